/** One process of a pool, from its start to its end. */

import type { ChildProcess } from 'node:child_process';
import { fork } from 'node:child_process';
import { Socket } from 'node:net';
import type { Candidate } from '../candidate';
import type { EvaluationRequest, ProcessMessage } from './process-messages';
import { protocolVersion, readMessage } from './process-messages';

/** What came of giving a process a candidate. */
export type ProcessAnswer =
  | Extract<ProcessMessage, { kind: 'outcome' | 'failed' }>
  | { readonly kind: 'ended'; readonly reason: string };

/** A process that answers candidates, one at a time. */
export interface EvaluationProcess {
  readonly processId: number | undefined;
  /** The end of what it printed. */
  lastOutput(): string;
  /** Resolves with null when it serves, or with why it ended before that. */
  readonly started: Promise<string | null>;
  /** Resolves when it has ended, with why. */
  readonly ended: Promise<string>;
  evaluate(candidate: Candidate): Promise<ProcessAnswer>;
  /** Ends it at once, whatever it is doing. */
  kill(reason: string): void;
  /** Whether it keeps this process alive. */
  keepAlive(isBusy: boolean): void;
}

const lastWordsMs = 500;
const lastWordsLength = 1000;

/** How a process is started. */
export interface ProcessOptions {
  readonly program: string | URL;
  readonly programArguments: readonly string[];
  readonly nodeArguments: readonly string[] | undefined;
  readonly environment: Readonly<Record<string, string | undefined>> | undefined;
  readonly startTimeoutMs: number;
  readonly onOutput: (processId: number | undefined, text: string) => void;
}

/** Starts a process. */
export function startProcess(options: ProcessOptions): EvaluationProcess {
  const { program, programArguments, nodeArguments, environment, startTimeoutMs, onOutput } = options;
  const child = fork(program, [...programArguments], {
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    serialization: 'advanced', // JSON would make null of NaN
    ...(nodeArguments === undefined ? {} : { execArgv: [...nodeArguments] }),
    ...(environment === undefined ? {} : { env: { ...environment } }),
  });
  const processId = child.pid;
  let lastOutput = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8').on('data', (text: string) => {
      lastOutput = `${lastOutput}${text}`.slice(-lastWordsLength);
      onOutput(processId, text);
    });
    if (stream instanceof Socket) stream.unref();
  }

  let killReason: string | null = null;
  const kill = (reason: string): void => {
    killReason ??= reason;
    child.kill('SIGKILL');
  };
  const ended = endOf(child, () => killReason);

  let open: { readonly call: number; answer(answer: ProcessAnswer): void } | null = null;
  let calls = 0;

  const started = new Promise<string | null>((resolve) => {
    const timer = setTimeout(
      () => kill(`it did not call serveEvaluations within ${startTimeoutMs} ms`),
      startTimeoutMs,
    );
    const settle = (reason: string | null): void => {
      clearTimeout(timer);
      resolve(reason);
    };
    void ended.then(settle);
    const hear = (message: ProcessMessage): void => {
      if (message.kind !== 'ready') {
        if (message.call === open?.call) open.answer(message);
      } else if (message.version === protocolVersion) settle(null);
      else kill(`its messages have version ${message.version}, those of the pool ${protocolVersion}`);
    };
    child.on('message', (value: unknown) => {
      if (killReason !== null) return; // what it had already sent counts no more
      try {
        const message = readMessage(value);
        if (message !== null) hear(message);
      } catch (error) {
        kill(error instanceof Error ? error.message : String(error));
      }
    });
  });

  return {
    processId,
    lastOutput: () => lastOutput,
    started,
    ended,
    async evaluate(candidate) {
      const call = ++calls;
      const request: EvaluationRequest = { kind: 'evaluate', call, candidate };
      const answer = await new Promise<ProcessAnswer>((resolve) => {
        open = { call, answer: resolve };
        void ended.then((reason) => resolve({ kind: 'ended', reason }));
        // a channel that closes while this is sent belongs to a process that ends
        child.send(request, () => {});
      });
      open = null;
      return answer;
    },
    kill,
    keepAlive(isBusy) {
      if (isBusy) {
        child.ref();
        child.channel?.ref();
      } else {
        child.unref();
        child.channel?.unref();
      }
    },
  };
}

/** Why a process ended, once it has. */
function endOf(child: ChildProcess, killReason: () => string | null): Promise<string> {
  return new Promise((resolve) => {
    child.on('error', (error) => {
      if (child.pid === undefined) resolve(`it could not be started: ${error.message}`);
    });
    child.on('exit', (code, signal) => {
      const reason = killReason() ?? (signal === null ? `exit code ${code}` : `signal ${signal}`);
      // its last words may still be on their way; a process that it left behind may hold the pipe for ever
      const timer = setTimeout(() => resolve(reason), lastWordsMs);
      child.on('close', () => {
        clearTimeout(timer);
        resolve(reason);
      });
    });
  });
}
