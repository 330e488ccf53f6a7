/** Numbers and tables as text. */

/** Milliseconds with three significant digits: `8.25`, `82.5`, `825`, `8250`. */
export function formatMs(ms: number): string {
  return ms >= 100 ? ms.toFixed(0) : ms.toFixed(ms >= 10 ? 1 : 2);
}

/** A ratio to three decimals. */
export function formatRatio(ratio: number): string {
  return ratio.toFixed(3);
}

/** A share as a percentage: 0.0312 is `3.1 %`. */
export function formatPercent(share: number): string {
  return `${(share * 100).toFixed(1)} %`;
}

/** Bytes in MiB. */
export function formatMebibytes(bytes: number | null): string {
  return bytes === null ? '-' : `${(bytes / 2 ** 20).toFixed(0)} MiB`;
}

/** A Markdown table; the first column is left-aligned, the others right. A `|` inside a cell is escaped. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  const ruler = `| ${head.map((_, column) => (column === 0 ? '---' : '---:')).join(' | ')} |`;
  return [line(head), ruler, ...rows.map(line)].join('\n');
}
