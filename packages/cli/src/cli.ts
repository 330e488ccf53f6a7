/** From arguments to a command, and from an error to an exit code. */

import type { SparseViTError } from '@sparsevit/windows';
import { version } from '../package.json';
import type { Command } from './command';
import { asksForHelp } from './command';
import { exitCodes, inputError, quote, reportError } from './errors';
import { renderProgramHelp } from './help';
import type { CliIo } from './io';

/** Loaded when called, so that `macs` does not wait for TensorFlow.js. */
const commands: readonly { name: string; summary: string; load: () => Promise<Command> }[] = [
  {
    name: 'run',
    summary: 'Run a model on images, dense and sparse side by side.',
    load: async () => (await import('./commands/run')).runCommand,
  },
  {
    name: 'train',
    summary: 'Train a task, dense.',
    load: async () => (await import('./commands/train')).trainCommand,
  },
  {
    name: 'adapt',
    summary: 'Adapt a task to sparsity: another one at every step.',
    load: async () => (await import('./commands/train')).adaptCommand,
  },
  {
    name: 'finetune',
    summary: 'Train a task at one sparsity.',
    load: async () => (await import('./commands/train')).finetuneCommand,
  },
  {
    name: 'evaluate',
    summary: 'Score a trained task, dense and sparse.',
    load: async () => (await import('./commands/evaluate')).evaluateCommand,
  },
  {
    name: 'predict',
    summary: 'Run a trained task on photos.',
    load: async () => (await import('./commands/predict')).predictCommand,
  },
  {
    name: 'profile',
    summary: 'Measure how long a model takes at many sparsities.',
    load: async () => (await import('./commands/profile')).profileCommand,
  },
  {
    name: 'predict-latency',
    summary: 'Say how long it takes at sparsities that were not measured.',
    load: async () => (await import('./commands/predict-latency')).predictLatencyCommand,
  },
  {
    name: 'calibrate',
    summary: 'Move a predictor of latencies to this device.',
    load: async () => (await import('./commands/calibrate')).calibrateCommand,
  },
  {
    name: 'search',
    summary: 'Find the sparsity of every layer for a budget of milliseconds.',
    load: async () => (await import('./commands/search')).searchCommand,
  },
  {
    name: 'worker',
    summary: 'Evaluate for a search that runs elsewhere.',
    load: async () => (await import('./commands/worker')).workerCommand,
  },
  {
    name: 'pipeline',
    summary: 'All of it: train, adapt, profile, search, fine-tune, report.',
    load: async () => (await import('./commands/pipeline')).pipelineCommand,
  },
  {
    name: 'init',
    summary: 'Write a pipeline to begin with.',
    load: async () => (await import('./commands/init')).initCommand,
  },
  {
    name: 'inspect',
    summary: 'Say what a checkpoint holds.',
    load: async () => (await import('./commands/inspect')).inspectCommand,
  },
  {
    name: 'macs',
    summary: 'Count the multiply-accumulates of a backbone.',
    load: async () => (await import('./commands/macs')).macsCommand,
  },
];

/**
 * Runs a command and returns the exit code: 0 done; 2 for something about the input, which one line on stderr names; 1 for a bug, with a stack;
 * 3 for a pipeline whose result does not meet its budget; 130 for a command that was stopped (Ctrl-C).
 *
 * @param argv what was typed after `sparsevit`
 * @example
 * process.exitCode = await runCli(['macs', '--model', 'swin-t', '--json'], createTerminal());
 */
export async function runCli(argv: readonly string[], io: CliIo): Promise<number> {
  try {
    return (await dispatch(argv, io)) ?? exitCodes.success;
  } catch (error) {
    return reportError(error, io);
  }
}

async function dispatch(argv: readonly string[], io: CliIo): Promise<number | undefined> {
  const [name, ...rest] = argv;
  const command = commands.find((candidate) => candidate.name === name);
  if (command !== undefined) {
    return (await command.load()).run(rest, io);
  }
  if (name === '--version' || name === '-v') io.stdout(`${version}\n`);
  else if (name === undefined || name === 'help' || asksForHelp([name])) io.stdout(await helpOn(rest[0]));
  else throw unknownCommand(name);
  return undefined;
}

/** The help of the command that was named after `help` or `--help`, else that of the program. */
async function helpOn(name: string | undefined): Promise<string> {
  if (name === undefined || name === 'help' || name.startsWith('-')) return renderProgramHelp(commands, version);
  const command = commands.find((candidate) => candidate.name === name);
  if (command === undefined) throw unknownCommand(name);
  return (await command.load()).help();
}

function unknownCommand(name: string): SparseViTError {
  const names = commands.map((candidate) => candidate.name).join(', ');
  return inputError(`sparsevit: expected a command (${names}), got ${quote(name)}. See \`sparsevit --help\`.`);
}
