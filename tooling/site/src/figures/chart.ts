/** A chart with two axes, as parts of an SVG. */
import { element, text } from './svg';

/** Where a chart lies and what its axes show. */
export interface ChartOptions {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
  readonly x: Axis;
  readonly y: Axis;
}

/** One axis. */
export interface Axis {
  readonly label: string;
  readonly ticks: readonly number[];
  /** What it begins and ends with; default the first and the last tick. */
  readonly range?: readonly [from: number, to: number];
}

/** A chart: its frame, and where values lie in it. */
export interface Chart {
  readonly frame: string;
  x(value: number): number;
  y(value: number): number;
}

const scale = ({ ticks, range }: Axis, from: number, to: number): ((value: number) => number) => {
  const [first = 0, last = 1] = range ?? [ticks[0], ticks.at(-1)];
  return (value) => from + ((value - first) / (last - first)) * (to - from);
};

/** The axes, ticks and grid of a chart. */
export function chart({ left, top, width, height, x, y }: ChartOptions): Chart {
  const [atX, atY] = [scale(x, left, left + width), scale(y, top + height, top)];
  const grid = { stroke: '#e4e4e4' };
  const columns = x.ticks.map(
    (tick) =>
      element('line', { x1: atX(tick), x2: atX(tick), y1: top, y2: top + height, ...grid }) +
      text(atX(tick), top + height + 16, String(tick), { 'text-anchor': 'middle' }),
  );
  const rows = y.ticks.map(
    (tick) =>
      element('line', { x1: left, x2: left + width, y1: atY(tick), y2: atY(tick), ...grid }) +
      text(left - 6, atY(tick) + 4, String(tick), { 'text-anchor': 'end' }),
  );
  const labels = [
    text(left + width / 2, top + height + 36, x.label, { 'text-anchor': 'middle' }),
    text(left, top - 10, y.label),
  ];
  return { frame: [...columns, ...rows, ...labels].join('\n'), x: atX, y: atY };
}

/** A line through points. */
export const polyline = (points: readonly (readonly [x: number, y: number])[], stroke: string): string => {
  const path = points.map(([x, y]) => `${Math.round(x * 100) / 100},${Math.round(y * 100) / 100}`).join(' ');
  return element('polyline', { points: path, fill: 'none', stroke, 'stroke-width': 2 });
};

/** Entries of a legend, one below the other. */
export const legend = (x: number, y: number, entries: readonly (readonly [colour: string, label: string])[]): string =>
  entries
    .map(
      ([fill, label], i) =>
        element('rect', { x, y: y + 18 * i, width: 11, height: 11, fill }) + text(x + 17, y + 10 + 18 * i, label),
    )
    .join('\n');
