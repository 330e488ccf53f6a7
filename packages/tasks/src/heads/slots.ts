/** The weights of a head before anybody has them: names, shapes, and how a fresh one begins. */

import type { HostTensor } from '@sparsevit/backbone';
import type { Random } from '@sparsevit/windows';

/** How a fresh weight is filled. */
export type SlotFill = 'kaiming' | 'small' | number;

/** The place of one weight in a head. */
export interface HeadSlot {
  /** `pyramid.lateral0.weight`; unique in the head. */
  readonly key: string;
  readonly shape: readonly number[];
  /** `kaiming`: normal with variance 2 / inputs; `small`: normal with deviation 0.01; or all the same. */
  readonly fill: SlotFill;
}

/** Makes the weights of a head, one call per slot, in a fixed order. */
export type MakeWeight<T> = (slot: HeadSlot) => T;

/** A convolution: weight [side, side, in, out] and bias [out]. */
export interface ConvolutionWeights<T> {
  readonly weight: T;
  readonly bias: T | null;
}

/** A group norm: weight and bias [C]. */
export interface GroupNormWeights<T> {
  readonly weight: T;
  readonly bias: T;
}

/** The slots of a convolution. */
export function convolutionSlots<T>(
  make: MakeWeight<T>,
  key: string,
  [side, inputs, outputs]: readonly [number, number, number],
  options: { fill?: SlotFill; bias?: number | null } = {},
): ConvolutionWeights<T> {
  const { fill = 'kaiming', bias = 0 } = options;
  return {
    weight: make({ key: `${key}.weight`, shape: [side, side, inputs, outputs], fill }),
    bias: bias === null ? null : make({ key: `${key}.bias`, shape: [outputs], fill: bias }),
  };
}

/** The slots of a group norm. */
export function groupNormSlots<T>(make: MakeWeight<T>, key: string, channels: number): GroupNormWeights<T> {
  return {
    weight: make({ key: `${key}.weight`, shape: [channels], fill: 1 }),
    bias: make({ key: `${key}.bias`, shape: [channels], fill: 0 }),
  };
}

/** A fresh weight. */
export function freshWeight({ shape, fill }: HeadSlot, random: Random): HostTensor {
  const count = shape.reduce((product, side) => product * side, 1);
  const inputs = count / (shape.at(-1) ?? 1);
  const deviation = fill === 'kaiming' ? Math.sqrt(2 / inputs) : 0.01;
  return {
    shape,
    values:
      typeof fill === 'number'
        ? new Float32Array(count).fill(fill)
        : Float32Array.from({ length: count }, () => random.normal() * deviation),
  };
}
