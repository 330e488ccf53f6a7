/** The real world outside: the only file of the commands that touches `process`. */

import { availableParallelism, cpus, totalmem } from 'node:os';
import type { CliIo } from './io';

/**
 * The terminal, clock and machine that this process runs on. A reader that closes the pipe early (`| head`) ends the process quietly; output
 * that cannot be written for another reason (a full disk) ends it with one line and exit code 2.
 *
 * @example
 * process.exitCode = await runCli(process.argv.slice(2), createTerminal());
 */
export function createTerminal(): CliIo {
  process.stderr.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? undefined : 2));
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit();
    const line = `sparsevit: stdout: expected a place that output can be written to, got ${error.code ?? 'an error'}.\n`;
    process.stderr.write(line, () => process.exit(2));
  });
  return {
    stdout: (text) => void process.stdout.write(text),
    stderr: (text) => void process.stderr.write(text),
    isTerminal: process.stderr.isTTY === true,
    now: () => performance.now(),
    date: () => new Date(),
    peakMemoryBytes: () => process.resourceUsage().maxRSS * 1024, // Node gives kilobytes on every platform
    machine: () => ({
      cpu: cpus()[0]?.model.trim() ?? 'unknown CPU',
      cores: availableParallelism(),
      memoryBytes: totalmem(),
      platform: `${process.platform} ${process.arch}`,
      runtime: `Node ${process.versions.node}`,
    }),
    onInterrupt(handler) {
      process.once('SIGINT', handler);
      return () => void process.off('SIGINT', handler);
    },
  };
}

/**
 * Runs the commands as a program: prints to the terminal, sets the exit code, and ends even when a graphics driver keeps threads alive.
 *
 * @example
 * await runProgram((argv, io) => runCli(argv, io));
 */
export async function runProgram(run: (argv: readonly string[], io: CliIo) => Promise<number>): Promise<void> {
  process.exitCode = await run(process.argv.slice(2), createTerminal());
  const flushed = (stream: NodeJS.WriteStream): Promise<void> =>
    new Promise((resolve) => {
      stream.write('', () => resolve());
    });
  await Promise.all([flushed(process.stdout), flushed(process.stderr)]);
  // Without a handle left the process ends before this fires.
  setTimeout(() => process.exit(), 200).unref();
}
