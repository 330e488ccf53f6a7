/** What adaptation trains at: the multiply-accumulates of the sparsities that its sampler draws. */
import { swinPreset } from '@sparsevit/config/presets';
import { countMacs } from '@sparsevit/latency';
import { createSampler, type SamplerKind } from '@sparsevit/trainer';
import { sparsityModes } from '@sparsevit/windows';
import { chart, legend } from './chart';
import { colours, element, figure } from './svg';

const steps = 1000;
const binGmacs = 1;

/** The figure. */
export function adaptationFigure(): string {
  const architecture = swinPreset('swin-t');
  const count = (kind: SamplerKind): ReadonlyMap<number, number> => {
    const sample = createSampler(architecture, { kind, seed: 0, rules: sparsityModes.clean });
    const bins = new Map<number, number>();
    for (let step = 0; step < steps; step++) {
      for (const sparsity of sample(step)) {
        const { totalMacs } = countMacs(architecture, { height: 672, width: 672, accounting: 'fair', sparsity });
        const bin = Math.floor(totalMacs / 1e9 / binGmacs);
        bins.set(bin, (bins.get(bin) ?? 0) + 1);
      }
    }
    return bins;
  };
  const { frame, x, y } = chart({
    left: 60,
    top: 40,
    width: 480,
    height: 220,
    x: {
      label: 'GMACs of what a step trains at (Swin-T, 672 x 672; dense: 40.4)',
      ticks: [0, 10, 20, 30, 40],
      range: [0, 45],
    },
    y: { label: `steps of ${steps}`, ticks: [0, 50, 100, 150] },
  });
  const bars = (kind: SamplerKind, fill: string): readonly string[] =>
    [...count(kind)].map(([bin, drawn]) => {
      const [left, right] = [x(bin * binGmacs), x((bin + 1) * binGmacs)];
      const attributes = { x: left, y: y(drawn), width: right - left - 1, height: y(0) - y(drawn), fill };
      return element('rect', { ...attributes, 'fill-opacity': 0.75 });
    });
  return figure(
    780,
    310,
    'What the sampler of adaptation draws, in multiply-accumulates',
    frame,
    ...bars('uniform', colours.grey),
    ...bars('paper', colours.blue),
    legend(560, 60, [
      [colours.blue, 'paper: a draw per pair, sorted'],
      [colours.grey, 'uniform: one draw for all'],
    ]),
  );
}
