/** How the readers of files refuse: one line, and names from a file shown so that they cannot break it. */

import { CheckpointError } from '@sparsevit/windows';

const longestName = 160;
const longestList = 12;

/**
 * Throws `where: expected <invariant>, got <value>. <what to do>`.
 *
 * @throws CheckpointError always
 */
export function refuse(where: string, expected: string, got: string, advice = ''): never {
  throw new CheckpointError(`${where}: expected ${expected}, got ${got}.${advice === '' ? '' : ` ${advice}`}`);
}

/** A name from a file: as it is when it is plain, else quoted, cut and with everything but printable ASCII escaped. */
export function showName(name: string): string {
  if (name.length <= longestName && /^[\w./+-]+$/.test(name)) return name;
  const cut = name.length > longestName ? `${name.slice(0, longestName)}...` : name;
  return JSON.stringify(cut).replace(/[^ -~]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

/** `a, b, c ... and 4 more` */
export function showList(items: readonly string[], limit: number = longestList): string {
  const shown = items.slice(0, limit).join(', ');
  return items.length > limit ? `${shown} ... and ${items.length - limit} more` : shown;
}

/** `[16, 3, 4, 4]` */
export function showShape(shape: readonly number[]): string {
  return `[${showList(shape.map(String))}]`;
}
