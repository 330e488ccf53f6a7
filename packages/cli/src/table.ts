/** Text in columns, and numbers as people read them. */

/**
 * Lines with the cells in columns: the first to the left, the others to the right. An empty row is an empty line.
 *
 * @example
 * renderTable([['', 'dense', 'sparse'], ['GMACs', '17.4', '8.1']]);
 */
export function renderTable(rows: readonly (readonly string[])[]): string {
  const columns = Math.max(...rows.map((row) => row.length));
  const widths = Array.from({ length: columns }, (_, column) =>
    Math.max(...rows.map((row) => row[column]?.length ?? 0)),
  );
  return rows
    .map((row) =>
      row
        .map((cell, column) => (column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0)))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

/** Lines of a title and what there is to say about it. */
export function renderFacts(facts: readonly (readonly [title: string, text: string])[]): string {
  const width = Math.max(...facts.map(([title]) => title.length)) + 2;
  return facts.map(([title, text]) => `${title.padEnd(width)}${text}\n`).join('');
}

/** At least three digits that count, none behind a large number: 0.512, 8.15, 17.4, 1204. */
export function formatNumber(value: number): string {
  if (value >= 100) return value.toFixed(0);
  return value.toFixed(value >= 10 ? 1 : value >= 1 ? 2 : 3);
}

/** Bytes in decimal units: `1.23 GB`. */
export function formatBytes(bytes: number): string {
  const [divisor, unit] = bytes >= 1e9 ? [1e9, 'GB'] : bytes >= 1e6 ? [1e6, 'MB'] : [1e3, 'kB'];
  return `${formatNumber(bytes / divisor)} ${unit}`;
}
