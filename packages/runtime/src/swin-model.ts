/** A bare Swin as a model: an image at its own size in, maps and logits out. */

import type { SwinCheckpoint } from '@sparsevit/backbone';
import { createSwin } from '@sparsevit/backbone';
import type { ImageNormalization } from '@sparsevit/config/presets';
import { ConfigError } from '@sparsevit/windows';
import { blankInput, inputOf } from './input';
import type { ModelSubject } from './model';

/**
 * A Swin out of a checkpoint.
 *
 * @param normalization of pixels
 */
export function swinSubject(checkpoint: SwinCheckpoint, normalization: ImageNormalization): ModelSubject {
  const { architecture, family, sparsity, notes } = checkpoint;
  return {
    architecture,
    family,
    sparsity,
    notes,
    task: null,
    deployment: null,
    take(ops) {
      const model = createSwin(ops, checkpoint);
      return {
        forward: (image, request) => ({ ...model.forward(image, request), output: null }),
        dispose: () => model.dispose(),
      };
    },
    see: (image) => ({ input: inputOf(image, normalization), decode: null }),
    request: ({ outputs, wantsLogits = true }) => ({
      outputs: [...new Set(outputs ?? architecture.depths.keys())].sort((a, b) => a - b),
      wantsLogits,
    }),
    blank(size) {
      if (size !== undefined) return blankInput(size);
      throw new ConfigError('warmUp: expected the height and width of the images to come, got none.');
    },
  };
}
