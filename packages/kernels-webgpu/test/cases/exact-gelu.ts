/** GELU and its slope in doubles. */

/** (1 + erf(x / sqrt 2)) / 2 to 1e-14: by its series near 0 and its continued fraction beyond. */
function normalDistribution(x: number): number {
  const a = Math.abs(x);
  const density = Math.exp((-a * a) / 2) / Math.sqrt(2 * Math.PI);
  if (a < 4) {
    let [term, sum] = [a, a];
    for (let n = 1; n < 120; n++) {
      term *= (a * a) / (2 * n + 1);
      sum += term;
    }
    return 0.5 + Math.sign(x) * density * sum;
  }
  let fraction = a;
  for (let n = 80; n > 0; n--) fraction = a + n / fraction;
  return x < 0 ? density / fraction : 1 - density / fraction;
}
/** GELU. */
export const exactGelu = (x: number): number => x * normalDistribution(x);
/** Its derivative. */
export const exactGeluSlope = (x: number): number =>
  normalDistribution(x) + (x * Math.exp((-x * x) / 2)) / Math.sqrt(2 * Math.PI);
