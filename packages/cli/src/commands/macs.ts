/** `sparsevit macs`: how many multiply-accumulates a backbone takes, counted, not measured. */

import { notationOf, swinPreset } from '@sparsevit/config/presets';
import type { MacCount, MacPart } from '@sparsevit/latency';
import { countMacs } from '@sparsevit/latency';
import type { Command } from '../command';
import { defineCommand } from '../command';
import { inputError, quote } from '../errors';
import { presetList } from '../model';
import { chooseSparsity, modeOf } from '../sparsity';
import { renderTable } from '../table';
import { parseInteger, parseSize } from '../values';

const parts: readonly MacPart[] = ['patchEmbed', 'qkv', 'attention', 'projection', 'mlp', 'merging', 'norm'];
const accountings = ['published', 'fair'] as const;
const mostImages = 10_000;

/** The command. */
export const macsCommand: Command = defineCommand({
  name: 'macs',
  summary: 'Count the multiply-accumulates of a backbone, per stage and part.',
  usage: ['macs [options]'],
  options: {
    model: { value: 'PRESET', description: `Architecture, default swin-t: ${presetList}.` },
    size: { value: 'HxW', description: 'Height and width of the image in pixels, default 672x672.' },
    sparsity: {
      value: 'RATIOS',
      description: "Share of windows left out: one number or '.3|0|.1,.2,.2|0'; default 0, dense.",
    },
    mode: {
      value: 'MODE',
      description:
        'official (default here, as in the published numbers) or clean: how the number of kept windows is rounded.',
    },
    batch: { value: 'N', description: 'Images, default 1.' },
    json: { description: 'Print one JSON document with gmacs.published and gmacs.fair.' },
  },
  notes: [
    'published: as the paper counts, everything on padded windows, layer norms counted. fair: what has to be computed, a dense block on real tokens only in its MLP, no layer norms. Both are for the whole batch, in 1e9.',
  ],
  examples: ["macs --model swin-t --size 672x672 --batch 4 --sparsity '.3|0|.1,.2,.2|0'"],

  async execute({ options, inputs }, io) {
    if (inputs.length > 0)
      throw inputError(`macs: expected options only, got ${quote(inputs[0] ?? '')}. It reads no files.`);
    const model = options.model ?? 'swin-t';
    const architecture = swinPreset(model);
    const { height, width } = parseSize(options.size ?? '672x672', '--size');
    const batch = parseInteger(options.batch ?? '1', '--batch', { min: 1, max: mostImages });
    const { mode = 'official', sparsity: text = '0' } = options;
    const sparsity = chooseSparsity(architecture, { text, mode, saved: null });
    const count = (accounting: (typeof accountings)[number]): MacCount =>
      countMacs(architecture, { height, width, batch, sparsity, accounting });
    const counts = { published: count('published'), fair: count('fair') };

    if (options.json) {
      const stages = architecture.depths.map((_, stage) => ({
        stage,
        published: partsOf(counts.published, stage),
        fair: partsOf(counts.fair, stage),
      }));
      const gmacs = { published: counts.published.totalMacs / 1e9, fair: counts.fair.totalMacs / 1e9 };
      const facts = {
        model,
        height,
        width,
        batch,
        sparsity: notationOf(sparsity),
        mode: modeOf(sparsity),
        gmacs,
        stages,
      };
      io.stdout(`${JSON.stringify({ version: 1, command: 'macs', ...facts }, null, 2)}\n`);
      return;
    }
    const images = batch === 1 ? '1 image' : `${batch} images`;
    io.stdout(`${model}, ${images} of ${height}x${width}, ${notationOf(sparsity)} pruned, ${modeOf(sparsity)} mode\n`);
    for (const accounting of accountings) {
      io.stdout(`\n${renderTable([[`GMACs, ${accounting}`, ...parts, 'total'], ...rowsOf(counts[accounting])])}\n`);
    }
  },
});

/** GMACs of a stage by part. */
function partsOf({ stages }: MacCount, stage: number): Record<string, number> {
  const counted = stages[stage];
  const byPart = parts.map((part) => [part, (counted?.parts[part] ?? 0) / 1e9]);
  return { ...Object.fromEntries(byPart), total: (counted?.totalMacs ?? 0) / 1e9 };
}

function rowsOf(count: MacCount): string[][] {
  const cell = (macs: number): string => (macs === 0 ? '-' : (macs / 1e9).toFixed(3));
  const sumOf = (part: MacPart): number => count.stages.reduce((sum, stage) => sum + stage.parts[part], 0);
  return [
    ...count.stages.map((stage) => [
      `stage ${stage.stage}`,
      ...parts.map((part) => cell(stage.parts[part])),
      cell(stage.totalMacs),
    ]),
    ['all', ...parts.map((part) => cell(sumOf(part))), cell(count.totalMacs)],
  ];
}
