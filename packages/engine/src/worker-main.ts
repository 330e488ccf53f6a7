/**
 * What a worker runs: it takes programs in and runs its share of each run. Like `interpret` the function stands alone, since its source is
 * what a worker is started with.
 */

import type { WasmKernels } from '@sparsevit/kernels-wasm/binary';
import type { interpret as interpretType } from './interpret';
import type { Program } from './program';

/** What the engine sends to a worker. */
export type WorkerRequest =
  | {
      readonly kind: 'start';
      readonly module: WebAssembly.Module;
      readonly memory: WebAssembly.Memory;
      readonly threads: number;
    }
  | {
      readonly kind: 'define';
      readonly plan: number;
      readonly program: Program;
      readonly control: Int32Array;
      readonly calls: number;
    }
  | { readonly kind: 'forget'; readonly plan: number }
  | {
      readonly kind: 'run';
      readonly plan: number;
      readonly run: number;
      readonly arena: number;
      readonly scratch: number;
      readonly isProfiled: boolean;
    };

/** What a worker answers. */
export type WorkerReply =
  | { readonly kind: 'ready' }
  | {
      readonly kind: 'done';
      readonly run: number;
      /** It reached the end. */
      readonly isWhole: boolean;
      readonly error: string | null;
      readonly times: Float64Array | null;
    };

/** Waits for requests. Without modules and names from outside: this function's text runs elsewhere. */
export function workerMain(
  interpret: typeof interpretType,
  post: (reply: WorkerReply) => void,
  listen: (handle: (request: WorkerRequest) => void) => void,
): void {
  // places of the control block, as in program.ts
  const [phase, stop, done] = [1, 2, 3];
  const plans = new Map<number, { program: Program; control: Int32Array; calls: number }>();
  let kernels: WasmKernels | null = null;
  let threads = 1;
  listen((request) => {
    if (request.kind === 'start') {
      threads = request.threads;
      // at once, which a worker may: a run that was sent behind this finds the kernels
      const instance = new WebAssembly.Instance(request.module, { env: { memory: request.memory } });
      kernels = instance.exports as unknown as WasmKernels;
      post({ kind: 'ready' });
    } else if (request.kind === 'define') {
      const { program, control, calls } = request;
      plans.set(request.plan, { program, control, calls });
    } else if (request.kind === 'forget') {
      plans.delete(request.plan);
    } else {
      const plan = plans.get(request.plan);
      const { run, arena, scratch } = request;
      let error: string | null = null;
      let isWhole = false;
      let times: Float64Array | null = null;
      try {
        if (plan === undefined || kernels === null) throw new Error(`no plan ${request.plan}`);
        times = request.isProfiled ? new Float64Array(plan.calls) : null;
        const steps = interpret({
          kernels,
          program: plan.program,
          control: plan.control,
          threads,
          arena,
          scratch,
          times,
        });
        let step = steps.next();
        while (step.done !== true) step = steps.next();
        isWhole = step.value;
      } catch (thrown) {
        error = thrown instanceof Error ? thrown.message : String(thrown);
        if (plan !== undefined) {
          Atomics.store(plan.control, stop, 1); // the others leave too
          Atomics.notify(plan.control, phase);
        }
      }
      if (plan !== undefined) {
        Atomics.add(plan.control, done, 1);
        Atomics.notify(plan.control, done);
      }
      post({ kind: 'done', run, isWhole, error, times });
    }
  });
}
