/** `sparsevit inspect`: what a checkpoint file holds. */

import { listWeights, partsOf } from '@sparsevit/backbone';
import { describeArchitecture, notationOf, presetOf } from '@sparsevit/config/presets';
import { checkInputFile } from '@sparsevit/pipeline/files';
import type { Command } from '../command';
import { defineCommand } from '../command';
import { inputError } from '../errors';
import { checkpointOptions, parseFamily, readCheckpoint } from '../model';
import { modeOf, prunedOf } from '../sparsity';
import { formatBytes, renderFacts } from '../table';

/** The command. */
export const inspectCommand: Command = defineCommand({
  name: 'inspect',
  summary: 'Say what a checkpoint holds, and anything odd about it.',
  usage: ['inspect <checkpoint> [options]'],
  options: {
    ...checkpointOptions,
    json: { description: 'Print one JSON document.' },
  },
  notes: [
    'A checkpoint is a safetensors or PyTorch file (.pth, .pt) with the keys of Microsoft, mmdetection, timm, torchvision or Hugging Face. Code in a PyTorch file is never run.',
  ],
  examples: ['inspect swin_tiny_patch4_window7_224.pth', 'inspect model.safetensors --json'],

  async execute({ options, inputs }, io) {
    const [file, another] = inputs;
    if (file === undefined) throw inputError('inspect: expected a checkpoint, got none. Name a file.');
    if (another !== undefined)
      throw inputError(`inspect: expected one checkpoint, got ${inputs.length}. Name one file.`);
    const family = options.family === undefined ? undefined : parseFamily(options.family);
    const { size: sizeBytes } = await checkInputFile(file, 'inspect');
    const checkpoint = await readCheckpoint(file, 'inspect', { ...options, family });
    const { architecture, sparsity, notes, weights } = checkpoint;
    const preset = presetOf(architecture);
    const parts = partsOf(weights);
    const parameters = listWeights(architecture, weights).reduce((sum, { value }) => sum + value.values.length, 0);
    if (options.json) {
      const saved = sparsity && { notation: notationOf(sparsity), mode: modeOf(sparsity), ...sparsity };
      const facts = {
        file,
        sizeBytes,
        family: checkpoint.family,
        preset,
        architecture,
        parameters,
        parts,
        sparsity: saved,
        notes,
      };
      io.stdout(`${JSON.stringify({ version: 1, command: 'inspect', ...facts }, null, 2)}\n`);
      return;
    }
    const normed = parts.outputNorms.flatMap((has, stage) => (has ? [stage] : []));
    const rows: [string, string][] = [
      ['file', `${file}, ${formatBytes(sizeBytes)}`],
      ['family', checkpoint.family],
      ['architecture', `${preset ?? 'no preset'} (${describeArchitecture(architecture)})`],
      ['parameters', parameters < 1e5 ? String(parameters) : `${(parameters / 1e6).toFixed(2)} million`],
      ['output norms', normed.length === 0 ? 'none' : `stages ${normed.join(', ')}`],
      ['final norm', parts.hasFinalNorm ? 'yes' : 'none'],
      ['classifier', parts.classes > 0 ? `${parts.classes} classes` : 'none'],
      ['sparsity', sparsity === null ? 'none saved' : `${prunedOf(sparsity)}, ${modeOf(sparsity)} mode`],
      ...notes.map((note, i): [string, string] => [i === 0 ? 'notes' : '', note]),
    ];
    io.stdout(renderFacts(rows));
  },
});
