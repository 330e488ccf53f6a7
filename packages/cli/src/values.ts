/** The values of options, from text. */

import { inputError, quote } from './errors';

/** Sides of an image in pixels. */
export interface Size {
  readonly height: number;
  readonly width: number;
}

/** As many pixels as the decoder of photos takes. */
export const maxPixels = 100_000_000;

/**
 * Reads `672x672`: height, then width.
 *
 * @throws SparseViTError when it is not two whole numbers, or more than 100 million pixels
 */
export function parseSize(text: string, option: string): Size {
  const [, height, width] = /^(\d{1,6})x(\d{1,6})$/i.exec(text)?.map(Number) ?? [];
  if (height === undefined || width === undefined || height < 1 || width < 1) {
    throw inputError(`${option}: expected HEIGHTxWIDTH in pixels such as 672x672, got ${quote(text)}.`);
  }
  if (height * width > maxPixels) {
    throw inputError(`${option}: expected at most ${maxPixels} pixels, got ${quote(text)}. Choose a smaller size.`);
  }
  return { height, width };
}

/** Reads a whole number in a range, both ends included. */
export function parseInteger(text: string, option: string, range: { min: number; max: number }): number {
  const value = /^-?\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
  if (!(value >= range.min && value <= range.max)) {
    throw inputError(`${option}: expected a whole number from ${range.min} to ${range.max}, got ${quote(text)}.`);
  }
  return value;
}

/** Reads a share, a number from 0 to 1. */
export function parseShare(text: string, option: string): number {
  const value = /^(?:\d+|\d*\.\d+)$/.test(text) ? Number(text) : Number.NaN;
  if (!(value >= 0 && value <= 1)) throw inputError(`${option}: expected a number from 0 to 1, got ${quote(text)}.`);
  return value;
}

/** Reads a number above 0, such as milliseconds. */
export function parsePositive(text: string, option: string): number {
  const value = /^(?:\d{1,12}|\d{0,12}\.\d{1,30})$/.test(text) ? Number(text) : Number.NaN;
  if (!(value > 0)) throw inputError(`${option}: expected a number above 0, got ${quote(text)}.`);
  return value;
}

/** Threads of the engine; undefined for all cores. */
export function parseThreads(text: string | undefined): number | undefined {
  return text === undefined ? undefined : parseInteger(text, '--threads', { min: 1, max: 256 });
}

/** Reads one of a few words. */
export function parseChoice<Choice extends string>(text: string, option: string, choices: readonly Choice[]): Choice {
  const choice = choices.find((candidate) => candidate === text);
  if (choice === undefined) throw inputError(`${option}: expected one of ${choices.join(', ')}, got ${quote(text)}.`);
  return choice;
}

/** The seeds that every generator here takes. */
export const seedRange: { readonly min: number; readonly max: number } = { min: 0, max: 2 ** 31 - 1 };
