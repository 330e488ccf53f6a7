/** The stage that measures latencies. */

import type { PipelineLatency } from '@sparsevit/config';
import { presetOf } from '@sparsevit/config';
import { measure } from '@sparsevit/latency';
import { fileJournal } from '@sparsevit/latency/node';
import type { SparsityRules } from '@sparsevit/windows';
import { createSparsitySpace, SparseViTError } from '@sparsevit/windows';
import { latencyModelOf } from '../../latency/subject';
import { planSamples } from '../sampling';
import type { StageContext } from './context';
import { readModel } from './inputs';
import { startEngineModel } from './timed-model';

/**
 * Measures a table, from where it was stopped.
 *
 * @returns the files that it wrote, in the run's folder
 * @throws SparseViTError when nothing could be measured; the signal's reason, with what was measured kept
 */
export async function profileStage(
  context: StageContext,
  { configs, rounds, seed, tolerance, threads }: PipelineLatency,
  rules: SparsityRules,
): Promise<readonly string[]> {
  const { run, folder, host, now, date, signal, tell, startTimedModel = startEngineModel } = context;
  const checkpoint = await readModel(run, folder, 'adapted');
  const { architecture } = checkpoint.backbone;
  const input = { batch: 1, height: run.input.height, width: run.input.width };
  const name = `${checkpoint.config.kind} on ${presetOf(architecture) ?? 'a Swin'}`;
  const timed = await startTimedModel(checkpoint, { input, rules, threads });
  try {
    const { name: cpu, driver, platform, runtime } = host;
    const table = await measure(
      timed.runner,
      planSamples(createSparsitySpace(architecture), { configs, holdOut: null, seed }),
      {
        fingerprint: {
          device: { name: cpu, driver, platform, runtime, ...timed.device },
          model: latencyModelOf(checkpoint, { name, rules }),
          input,
        },
        now,
        startedAt: date().toISOString(),
        protocol: { rounds, seed, largestMove: tolerance },
        journal: fileJournal(folder.at('profile', 'journal.jsonl')),
        signal,
        onEvent: tell,
      },
    );
    if (table.rows.length === 0) {
      throw new SparseViTError(
        'input',
        `latency: expected sparsities that can be measured, got ${table.excluded.length} that cannot (${table.excluded[0]?.message ?? 'none'}). Leave the machine alone, or raise latency.tolerance, and do it again with --from profile.`,
      );
    }
    await folder.writeJson('profile/table.json', table);
  } finally {
    await timed.dispose();
  }
  return ['profile/table.json'];
}
