/** How time grows with kept windows and with pixels. */

import type { CaseResult, GroupResult, Growth } from './result';
import { fitLine } from './statistics';

/** Lines through our forwards: uniform rows of each size over their multiply-accumulates, dense rows over pixels (logarithms of both). */
export function growthOf(groups: readonly GroupResult[]): Growth {
  const ours = groups.map(({ sizePixels, cases }) => ({
    sizePixels,
    cases: cases.filter(({ engine, kind }) => engine === 'sparsevit' && kind === 'forward'),
  }));
  const denseOf = (cases: readonly CaseResult[]): CaseResult | undefined =>
    cases.find(({ configuration }) => configuration === 'dense');
  const withMacs = ours.flatMap(({ sizePixels, cases }) => {
    const dense = denseOf(cases);
    if (dense === undefined) return [];
    const uniform = cases.filter(({ configuration }) => configuration === 'dense' || !configuration.includes('|'));
    const line = fitLine(uniform.map(({ gmacs, median }) => ({ x: gmacs / dense.gmacs, y: median / dense.median })));
    return line === null ? [] : [{ sizePixels, atZero: line.intercept, perShare: line.slope }];
  });
  const dense = ours.flatMap(({ sizePixels, cases }) => {
    const one = denseOf(cases);
    return one === undefined ? [] : [{ x: Math.log(sizePixels ** 2), y: Math.log(one.median) }];
  });
  return { withMacs, pixelsExponent: fitLine(dense)?.slope ?? null };
}
