/** What is subtracted from an image and what it is divided by, for checkpoints that do not say it themselves. */

/** Per channel in the order red, green, blue, on the scale 0 to 1: a model takes `(p / 255 - mean) / std` for a byte `p`. */
export interface ImageNormalization {
  readonly mean: readonly [number, number, number];
  readonly std: readonly [number, number, number];
}

/** Mean and standard deviation of the ImageNet pixels: what every public Swin checkpoint was trained with. */
export const imagenetNormalization: ImageNormalization = {
  mean: [0.485, 0.456, 0.406],
  std: [0.229, 0.224, 0.225],
};
