/** What a checkpoint file holds once it is read: a Swin, whose rules it was trained under, and the sparsity it was adapted to. */

import type { Sparsity, SwinArchitecture, SwinRules } from '@sparsevit/windows';
import type { HostTensor, SwinWeights } from './weights';

/** Who trained the weights; decides the rules where implementations of Swin differ. */
export type SwinFamily =
  | 'microsoft'
  | 'microsoft-detection'
  | 'mmdet'
  | 'timm'
  | 'torchvision'
  | 'huggingface'
  | 'huggingface-backbone';

/** The rules of each family. Source: the implementations named; where they assert, the nearest rule that runs at any size. */
export const familyRules: Readonly<Record<SwinFamily, SwinRules>> = {
  microsoft: {
    pad: 'after-norm',
    shift: 'pad-then-roll',
    shiftOff: 'both-axes',
    lastStageShifts: false,
    imageRemainder: 'pad',
  },
  'microsoft-detection': {
    pad: 'after-norm',
    shift: 'pad-then-roll',
    shiftOff: 'never',
    lastStageShifts: true,
    imageRemainder: 'pad',
  },
  mmdet: { pad: 'after-norm', shift: 'pad-then-roll', shiftOff: 'never', lastStageShifts: true, imageRemainder: 'pad' },
  timm: {
    pad: 'after-norm',
    shift: 'roll-then-pad',
    shiftOff: 'per-axis',
    lastStageShifts: false,
    imageRemainder: 'crop',
  },
  torchvision: {
    pad: 'after-norm',
    shift: 'pad-then-roll',
    shiftOff: 'per-axis',
    lastStageShifts: true,
    imageRemainder: 'crop',
  },
  huggingface: {
    pad: 'after-norm',
    shift: 'pad-then-roll',
    shiftOff: 'both-axes',
    lastStageShifts: false,
    imageRemainder: 'pad',
  },
  'huggingface-backbone': {
    pad: 'after-norm',
    shift: 'pad-then-roll',
    shiftOff: 'never',
    lastStageShifts: true,
    imageRemainder: 'pad',
  },
};

/** A Swin read from a file, or made from random weights. */
export interface SwinCheckpoint {
  readonly architecture: SwinArchitecture;
  readonly family: SwinFamily;
  readonly weights: SwinWeights<HostTensor>;
  /** The sparsity saved with the weights; null for a dense model. */
  readonly sparsity: Sparsity | null;
  /** What a careful reader should know: keys outside the backbone, resized bias tables, forced rules. One sentence each. */
  readonly notes: readonly string[];
}
