/** `sparsevit profile`: how long a model takes at many sparsities, on this device. */

import { writeOutputFile } from '@sparsevit/pipeline/files';
import type { Command } from '../command';
import { defineCommand } from '../command';
import { measurePlan } from '../profile/measure-plan';
import { measurementOptions } from '../profile/options';
import { planProfile, refuseInputs } from '../profile/plan';
import { profileJson, renderResult } from '../profile/report';

/** The command. */
export const profileCommand: Command = defineCommand({
  name: 'profile',
  summary: 'Measure how long a model takes at many sparsities, on this device.',
  usage: ['profile --weights FILE --size HxW --out FILE.json [options]'],
  options: {
    ...measurementOptions,
    configs: {
      value: 'N',
      description:
        'Configurations to fit a predictor to: dense, the sparsest, corners, and draws of the space; default 100.',
    },
    'hold-out': {
      value: 'N',
      description:
        'Measure instead N configurations to judge a predictor by: none of them is among those to fit of the same --configs and --seed.',
    },
    out: { value: 'FILE', description: 'The table. Beside it FILE.journal.jsonl, what was measured so far.' },
    json: { description: 'Print one JSON document.' },
  },
  notes: [
    'Says what it will cost before it starts. The same command goes on where it was stopped or killed; remove the journal to begin anew.',
    'A busy machine is seen by the sentinel: what was measured meanwhile is repeated, then dropped. Close what can be closed, and fix the frequency of the processor where you can.',
    'Measure a hold-out later, in a process of its own: it then says what a predictor is worth on another day. See `sparsevit predict-latency --help`.',
  ],
  examples: [
    'profile --weights runs/adapted/model.safetensors --out table.json',
    'profile --model swin-t --size 512x512 --threads 1 --configs 130 --out swin-t-512.json',
    'profile --weights runs/adapted/model.safetensors --hold-out 40 --out held-out.json',
  ],

  async execute({ options, inputs }, io) {
    refuseInputs(inputs, 'profile');
    const isQuiet = options.json === true;
    const measured = await measurePlan(() => planProfile(options), { command: 'profile', isQuiet }, io);
    const { facts, table } = measured;
    await writeOutputFile(facts.plan.out, new TextEncoder().encode(`${JSON.stringify(table)}\n`), '--out');
    if (isQuiet) io.stdout(`${JSON.stringify(profileJson(facts, measured), null, 2)}\n`);
    else io.stdout(`\n${renderResult(facts, table)}`);
  },
});
