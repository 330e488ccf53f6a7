/** A colour for each class, far from those before it. */

import type { Colour } from '../overlay/canvas';

/** The golden angle spreads any number of hues evenly. */
const goldenTurn = 0.381966;

/** The colour of a class, bright enough for dark text on it. */
export function classColour(label: number): Colour {
  const hue = (0.08 + label * goldenTurn) % 1;
  const channel = (shift: number): number => {
    const distance = Math.abs((((hue + shift) * 6) % 6) - 3);
    return Math.round(255 * (0.35 + 0.65 * Math.min(1, Math.max(0, distance - 1))));
  };
  return [channel(0), channel(2 / 3), channel(1 / 3)];
}
