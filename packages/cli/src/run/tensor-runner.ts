/** Runs a model on a backend of TensorFlow.js. */

import type { ForwardResult, SwinCheckpoint } from '@sparsevit/backbone';
import { createSwin } from '@sparsevit/backbone';
import { createTensorOps, untilDone } from '@sparsevit/ops';
import type { KeptWindowIds } from '@sparsevit/windows';
import { keptWindowIdsOf } from '@sparsevit/windows';
import type { TensorBackend } from '../backend';
import { explainOutOfMemory, startBackend } from '../backend';
import type { Tensor } from '../tensor';
import { dispose, sum, tensor4d } from '../tensor';
import type { RunMap, Runner, RunOutput } from './runner';

/**
 * Starts a backend and takes a model in.
 *
 * @throws BackendError when the backend cannot start
 */
export async function createTensorRunner(
  readModel: () => Pick<SwinCheckpoint, 'architecture' | 'family' | 'weights'>,
  { backend: choice, wantsKernels }: { backend: TensorBackend; wantsKernels: boolean },
): Promise<Runner> {
  const { backend, detail, packs, refused, refusedPacks, tensorFlowVersion, chosenBecause, ...rest } =
    await startBackend(choice, { wantsKernels });
  const { wantsKernels: _, ...json } = rest;
  const model = createSwin(createTensorOps(), readModel());
  const none = wantsKernels ? 'none' : 'none (--no-kernels)';
  const kernels = packs.length === 0 ? none : packs.map((pack) => pack.detail).join(', ');
  return {
    facts: {
      backend,
      detail,
      chosenBecause,
      refused: [...refused, ...refusedPacks],
      more: `, kernels: ${kernels}, TensorFlow.js ${tensorFlowVersion}`,
      json: { packs, refusedPacks, tensorFlowVersion, ...json },
    },
    async prepare({ values, shape }, sparsity) {
      const image = tensor4d(values, [...shape]);
      return {
        compileMs: null,
        async run() {
          const result = model.forward(image, { sparsity, wantsWindows: true, wantsLogits: true });
          const last = result.logits ?? result.features.findLast((map) => map !== null);
          if (last) await untilDone(last);
          return outputOf(result);
        },
        release: () => dispose(image),
      };
    },
    explain: explainOutOfMemory,
    async dispose() {
      model.dispose();
    },
  };
}

function outputOf(result: ForwardResult<Tensor>): RunOutput {
  const { features, logits, windows } = result;
  const mapOf = (stage: number | null, map: Tensor | null): RunMap[] => (map === null ? [] : [tensorMap(stage, map)]);
  return {
    maps: [...features.flatMap((map, stage) => mapOf(stage, map)), ...mapOf(null, logits)],
    async readWindows() {
      const kept: KeptWindowIds[] = [];
      for (const { selection, ...block } of windows) {
        const ids = selection.kind === 'all' ? null : selection.ids;
        const values = ids === null ? new Int32Array(0) : (await ids.data<'int32'>()).slice();
        kept.push(keptWindowIdsOf(block, selection.kind, selection.kind === 'all' ? null : values));
      }
      return kept;
    },
    release() {
      dispose([...features, logits].filter((tensor) => tensor !== null));
      for (const { selection, scores } of windows) {
        if (scores !== null) dispose(scores);
        if (selection.kind !== 'all' && selection.ids !== null) dispose(selection.ids);
      }
    },
  };
}

function tensorMap(stage: number | null, map: Tensor): RunMap {
  return {
    stage,
    shape: map.shape,
    async sum() {
      const total = sum(map);
      const [value = Number.NaN] = await total.data();
      dispose(total);
      return value;
    },
    read: async () => (await map.data<'float32'>()).slice(),
    release: () => dispose(map),
  };
}
