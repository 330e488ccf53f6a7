/** The interface over which task heads are written once, beside `WindowOps`. Maps are [B, H, W, C]. */

/** The operations that heads on top of a backbone need. */
export interface DenseOps<T> {
  /** Convolution, stride 1, zero padding that keeps H x W; weight [side, side, in, out] with side 1 or 3, bias [out] or null. */
  convolution(x: T, weight: T, bias: T | null): T;
  /** Group norm over (H, W, C / groups), epsilon 1e-5; weight and bias [C]. */
  groupNorm(x: T, weight: T, bias: T, groups: number): T;
  /** Bilinear resize to [B, height, width, C], half-pixel centres (`align_corners=False`). */
  upsample(x: T, height: number, width: number): T;
  /** Adaptive average pooling to [B, height, width, C]: cell i of h covers rows floor(i * H / h) to ceil((i + 1) * H / h), columns alike. */
  poolTo(x: T, height: number, width: number): T;
  /** Maps of equal B, H and W side by side: [B, H, W, C0], [B, H, W, C1], ... -> [B, H, W, C0 + C1 + ...]. */
  concatenate(parts: readonly T[]): T;
  /** a + b, equal shapes. */
  add(a: T, b: T): T;
  /** max(x, 0) */
  relu(x: T): T;
}
