/** From the command line to a result on disk and a table on the screen: for Node and for Chromium. */

import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { SparseViTError } from '@sparsevit/windows';
import type { DryRunResult } from '../bench';
import { help, parseCommand } from '../options';
import type { Plan } from '../plan';
import { makePlan } from '../plan';
import { reportMarkdown } from '../report/markdown';
import { readResult } from '../report/read';
import type { BenchResult } from '../result';
import { BenchError } from '../runnable';

/** Where a plan runs, and how. */
export interface Program {
  /** As it is typed. */
  readonly program: string;
  readonly runtime: 'node' | 'browser';
  run(plan: Plan, options: { command: string; log: (line: string) => void }): Promise<BenchResult | DryRunResult[]>;
}

/** Runs the command of this process and ends it; what is missing is said in one line, with the exit code 2. */
export async function runCommand(program: Program): Promise<void> {
  try {
    await execute(program, process.argv.slice(2));
  } catch (error) {
    if (!(error instanceof BenchError) && !SparseViTError.isInstance(error)) throw error;
    process.stderr.write(`${error.message}\n`);
    process.exitCode = 2;
  }
  process.exit(); // Dawn keeps a process alive
}

async function execute({ program, runtime, run }: Program, commandLine: readonly string[]): Promise<void> {
  const command = parseCommand(commandLine);
  if (command.name === 'help') {
    process.stdout.write(help);
    return;
  }
  if (command.name === 'markdown') {
    const results = await Promise.all(command.files.map(async (file) => readResult(await readText(file), file)));
    process.stdout.write(reportMarkdown(results));
    return;
  }
  const result = await run(makePlan({ ...command.plan, runtime }), {
    command: [program, ...commandLine.map(quoted)].join(' '),
    log: (line) => process.stderr.write(`${line}\n`),
  });
  if (!('version' in result)) return; // a dry run has said what it saw
  const file = command.out ?? join(import.meta.dirname, 'results', `${result.date.replaceAll(':', '-')}.json`);
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, `${JSON.stringify(result, null, 1)}\n`);
  process.stdout.write(reportMarkdown([result]));
  process.stderr.write(`\nJSON: ${file}\n`);
}

async function readText(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (cause) {
    throw new BenchError(
      `markdown: expected the file ${file}, got none that can be read. Run the bench with --out first.`,
      { cause },
    );
  }
}

/** A word as a shell needs it. */
function quoted(word: string): string {
  return /^[\w.,/=-]+$/.test(word) ? word : `'${word}'`;
}
