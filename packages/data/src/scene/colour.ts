/** Colours while they are mixed: three doubles, red, green and blue from 0 to 255, changed in place. */

/** Moves a colour towards another by a share from 0 to 1. */
export function mix(colour: Float64Array, red: number, green: number, blue: number, share: number): void {
  if (share <= 0) return;
  colour[0] = (colour[0] ?? 0) + (red - (colour[0] ?? 0)) * share;
  colour[1] = (colour[1] ?? 0) + (green - (colour[1] ?? 0)) * share;
  colour[2] = (colour[2] ?? 0) + (blue - (colour[2] ?? 0)) * share;
}

/** Makes a colour brighter or darker. */
export function scale(colour: Float64Array, factor: number): void {
  for (let i = 0; i < 3; i++) colour[i] = (colour[i] ?? 0) * factor;
}
