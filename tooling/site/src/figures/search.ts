/** The search with a model beside it and a random one, on the same made-up accuracy: what they evaluate, and the front they find. */
import { swinPreset } from '@sparsevit/config/presets';
import { countMacs } from '@sparsevit/latency';
import { createSearch, type Evaluation, runSearch, type SearchPresetName } from '@sparsevit/search';
import { createSparsitySpace, type PrunedRatios, sparsityModes } from '@sparsevit/windows';
import { chart, legend, polyline } from './chart';
import { colours, element, figure } from './svg';

const sensitivity = [0.5, 1, 4, 2];
const evaluations = 150;
const gmacsName = 'gmacs';

/** The figure. */
export async function searchFigure(): Promise<string> {
  const architecture = swinPreset('swin-t');
  const gmacs = (prunedRatios: PrunedRatios): number => {
    const sparsity = { ...sparsityModes.clean, prunedRatios };
    return countMacs(architecture, { height: 672, width: 672, accounting: 'fair', sparsity }).totalMacs / 1e9;
  };
  const accuracy = (prunedRatios: PrunedRatios): number =>
    80 -
    prunedRatios
      .flatMap((pairs, stage) => pairs.map((ratio) => (sensitivity[stage] ?? 0) * ratio ** 2))
      .reduce((a, b) => a + b, 0);
  const run = (preset: SearchPresetName) =>
    runSearch(
      createSearch({
        space: createSparsitySpace(architecture),
        preset,
        // A small part of the space is looked at as a whole; here all of it is drawn from.
        enumerateUpTo: 1,
        objectives: [
          { name: 'accuracy', direction: 'maximize' },
          { name: gmacsName, direction: 'minimize', of: gmacs },
        ],
        seed: 0,
        maxEvaluations: evaluations,
      }),
      ({ prunedRatios }) => ({ values: { accuracy: accuracy(prunedRatios) } }),
    );
  const [assisted, random] = [await run('assisted'), await run('random')];
  const { frame, x, y } = chart({
    left: 60,
    top: 40,
    width: 480,
    height: 260,
    x: { label: 'GMACs (Swin-T, 672 x 672)', ticks: [5, 10, 15, 20, 25, 30, 35, 40, 45] },
    y: { label: 'accuracy (made up)', ticks: [70, 72, 74, 76, 78, 80], range: [69, 80.5] },
  });
  const at = ({ values }: Evaluation): readonly [number, number] => [
    x(values?.[gmacsName] ?? 0),
    y(values?.accuracy ?? 0),
  ];
  const dots = (history: readonly Evaluation[], fill: string): readonly string[] =>
    history.map((evaluation) => {
      const [cx, cy] = at(evaluation);
      return element('circle', { cx, cy, r: 2.2, fill, 'fill-opacity': 0.55 });
    });
  const front = (found: readonly Evaluation[], stroke: string): string =>
    polyline(
      found.map(at).sort(([a], [b]) => a - b),
      stroke,
    );
  return figure(
    780,
    350,
    'Sparsities that two searches evaluate, and the best of each for any cost',
    frame,
    ...dots(random.history, colours.grey),
    ...dots(assisted.history, colours.blue),
    front(random.front, colours.grey),
    front(assisted.front, colours.blue),
    legend(560, 60, [
      [colours.blue, `assisted: ${assisted.history.length} evaluations`],
      [colours.grey, `random: ${random.history.length} evaluations`],
    ]),
  );
}
