/** Items of a data set by index. */

import { ConfigError } from '@sparsevit/windows';

/** The item of a list at an index, or a ConfigError when there is none. */
export function itemAt<T>(items: readonly T[], index: number): T {
  const item = items[index];
  if (item === undefined) {
    throw new ConfigError(`read: expected an index from 0 to ${items.length - 1}, got ${index}.`);
  }
  return item;
}
