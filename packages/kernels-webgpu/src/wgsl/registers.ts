/**
 * A row of a head in the registers of a thread, in WGSL: `vectors` values of `vec4<f32>` under a name. Written out one by one where they are
 * few, so that they are registers on every driver; an array and a loop where they are many, so that a shader compiles in reasonable time.
 */

/** Vectors that are written out: heads of up to 32 channels, as in every published Swin. */
const mostWrittenOut = 8;

/** Rows of one width. */
export interface Registers {
  /** Declares a row of which each vector has a value. */
  declare(name: string, valueAt: (vector: string) => string): string;
  /** A statement for every vector; `of` is that vector of a row. */
  each(statement: (vector: string, of: (name: string) => string) => string): string;
}

/** Rows of `vectors` vectors. */
export function registersOf(vectors: number): Registers {
  if (vectors <= mostWrittenOut) {
    const each: Registers['each'] = (statement) =>
      Array.from({ length: vectors }, (_, i) => statement(String(i), (name) => `${name}${i}`)).join('\n');
    return { each, declare: (name, valueAt) => each((vector, of) => `var ${of(name)} = ${valueAt(vector)};`) };
  }
  const each: Registers['each'] = (statement) =>
    `for (var vec = 0; vec < ${vectors}; vec++) { ${statement('vec', (name) => `${name}[vec]`)} }`;
  return {
    each,
    declare: (name, valueAt) =>
      `var ${name} : array<vec4<f32>, ${vectors}>;\n${each((vector, of) => `${of(name)} = ${valueAt(vector)};`)}`,
  };
}
