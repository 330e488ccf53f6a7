import type { WasmKernels } from '@sparsevit/kernels-wasm/binary';
import { kernelBuilds, loadKernels, runnableBuilds } from '@sparsevit/kernels-wasm/binary';
import { createRandom } from '@sparsevit/windows';
import { describe, expect, test } from 'vitest';

const random = createRandom(11);

/** A value in [-1, 1), another one with every call. */
export const noise = (): number => random.uniform() * 2 - 1;

const fenceBytes = 64;
const fence = 0xa5;

/** A memory that gives out room one after the other, each piece with a fence behind its last byte. */
export class Arena {
  readonly memory: WebAssembly.Memory = new WebAssembly.Memory({ initial: 256 });
  #next = fenceBytes;
  readonly #ends: number[] = [0];
  constructor() {
    this.#raiseFence(0);
  }
  reserve(bytes: number): number {
    const at = this.#next;
    const end = at + bytes;
    this.#next = (end + fenceBytes + 15) & ~15;
    if (this.#next > this.memory.buffer.byteLength) throw new Error('the arena of the test is too small');
    this.#raiseFence(end);
    return at;
  }
  floats(count: number, value: (index: number) => number = () => 0): number {
    const at = this.reserve(count * 4);
    this.view(at, count).forEach((_, i, view) => {
      view[i] = value(i);
    });
    return at;
  }
  ints(values: readonly number[]): number {
    const at = this.reserve(values.length * 4);
    this.intView(at, values.length).set(values);
    return at;
  }
  /** Room that holds garbage: what a kernel does not write, or reads before it has written it, is a NaN. */
  garbage(bytes: number): number {
    const at = this.reserve(bytes);
    new Uint8Array(this.memory.buffer, at, bytes).fill(0xff);
    return at;
  }
  view(at: number, count: number): Float32Array {
    return new Float32Array(this.memory.buffer, at, count);
  }
  intView(at: number, count: number): Int32Array {
    return new Int32Array(this.memory.buffer, at, count);
  }
  values(at: number, count: number): number[] {
    return Array.from(this.view(at, count));
  }
  /** Fails if anything was written beyond what was reserved. */
  expectIntact(): void {
    for (const end of this.#ends) {
      const isIntact = new Uint8Array(this.memory.buffer, end, fenceBytes).every((byte) => byte === fence);
      expect(isIntact, `written beyond the room that ends at ${end}`).toBe(true);
    }
  }
  #raiseFence(end: number): void {
    this.#ends.push(end);
    new Uint8Array(this.memory.buffer, end, fenceBytes).fill(fence);
  }
}

/** Names a test that gets the kernels of one build on a memory of their own. */
export type KernelTest = (name: string, run: (kernels: WasmKernels, arena: Arena) => void) => void;

/** Tests for both builds. One that this engine cannot run is skipped, and says so in its name. */
export function describeBuilds(subject: string, define: (kernelTest: KernelTest) => void): void {
  describe.each(kernelBuilds)(`${subject}, the build with %s`, (build) => {
    const isRunnable = runnableBuilds().includes(build);
    define((name, run) => {
      test.skipIf(!isRunnable)(isRunnable ? name : `${name} (skipped: this engine lacks it)`, async () => {
        const arena = new Arena();
        const { kernels } = await loadKernels({ memory: arena.memory, build });
        run(kernels, arena);
        arena.expectIntact();
      });
    });
  });
}

/** 0 to `count`, cut into `parts` ranges, some of them empty. */
export function ranges(count: number, parts = 3): (readonly [number, number])[] {
  return Array.from({ length: parts }, (_, i) => {
    return [Math.floor((i * count) / parts), Math.floor(((i + 1) * count) / parts)] as const;
  });
}
