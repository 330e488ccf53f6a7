/** What a sparsity costs, part by part: multiply-accumulates of Swin-T by the share of windows that is left out. */
import { swinPreset } from '@sparsevit/config/presets';
import { countMacs, type MacPart } from '@sparsevit/latency';
import { uniformSparsity } from '@sparsevit/windows';
import { chart, legend } from './chart';
import { colours, element, figure, text } from './svg';

const groups: readonly (readonly [label: string, colour: string, parts: readonly MacPart[]])[] = [
  ['patch embedding and merging', colours.grey, ['patchEmbed', 'merging']],
  ['attention, with its linear layers', colours.blue, ['qkv', 'attention', 'projection']],
  ['MLP', colours.yellow, ['mlp']],
];

/** The figure. */
export function costFigure(): string {
  const architecture = swinPreset('swin-t');
  const { frame, x, y } = chart({
    left: 60,
    top: 40,
    width: 420,
    height: 240,
    x: {
      label: 'share of windows left out, the same in every block',
      ticks: [0, 0.2, 0.4, 0.6, 0.8],
      range: [-0.1, 0.9],
    },
    y: { label: 'GMACs of Swin-T at 672 x 672', ticks: [0, 10, 20, 30, 40, 50] },
  });
  const bars = [0, 0.2, 0.4, 0.6, 0.8].flatMap((ratio) => {
    const sparsity = ratio === 0 ? null : uniformSparsity(architecture, ratio);
    const { stages, totalMacs } = countMacs(architecture, { height: 672, width: 672, accounting: 'fair', sparsity });
    let below = 0;
    const stack = groups.map(([, fill, parts]) => {
      const gmacs = stages.flatMap((stage) => parts.map((part) => stage.parts[part])).reduce((a, b) => a + b, 0) / 1e9;
      const bar = { x: x(ratio) - 22, y: y(below + gmacs), width: 44, height: y(below) - y(below + gmacs), fill };
      below += gmacs;
      return element('rect', bar);
    });
    return [...stack, text(x(ratio), y(below) - 6, (totalMacs / 1e9).toFixed(1), { 'text-anchor': 'middle' })];
  });
  return figure(
    780,
    330,
    'Multiply-accumulates of Swin-T at 672 x 672 by the share of windows left out',
    frame,
    ...bars,
    legend(
      500,
      60,
      groups.map(([label, colour]) => [colour, label] as const),
    ),
  );
}
