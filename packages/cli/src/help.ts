/** The text of `--help`. */

import type { CommandText, OptionSpec } from './command';

const lineWidth = 100;

/** The help of one command. */
export function renderHelp(text: CommandText, options: Readonly<Record<string, OptionSpec>>): string {
  const names = Object.entries(options).map(
    ([name, { value }]) => `--${name}${value === undefined ? '' : ` ${value}`}`,
  );
  const column = Math.max(...names.map((name) => name.length)) + 4;
  const rows = Object.values(options).map(({ description }, i) => {
    const [first = '', ...rest] = wrap(description, lineWidth - column);
    return [`  ${(names[i] ?? '').padEnd(column - 2)}${first}`, ...rest.map((line) => ' '.repeat(column) + line)].join(
      '\n',
    );
  });
  return [
    `sparsevit ${text.name}: ${text.summary}`,
    section(
      'Usage',
      text.usage.map((line) => `  sparsevit ${line}`),
    ),
    section('Options', rows),
    ...text.notes.map((note) => `\n${wrap(note, lineWidth).join('\n')}`),
    section(
      'Examples',
      text.examples.map((line) => `  sparsevit ${line}`),
    ),
    '',
  ].join('\n');
}

/** The help of the program: its commands. */
export function renderProgramHelp(commands: readonly { name: string; summary: string }[], version: string): string {
  const column = Math.max(...commands.map(({ name }) => name.length)) + 2;
  return [
    `sparsevit ${version}: run a Swin on the windows that matter.`,
    section('Usage', ['  sparsevit <command> [options]', '  sparsevit help [command]']),
    section(
      'Commands',
      commands.map(({ name, summary }) => `  ${name.padEnd(column)}${summary}`),
    ),
    section('Options', ['  --help     Print this help, or that of a command.', '  --version  Print the version.']),
    '\nExit codes: 0 done, 2 something about the input (one line on stderr says what), 1 a bug.',
    '',
  ].join('\n');
}

function section(title: string, lines: readonly string[]): string {
  return `\n${title}\n${lines.join('\n')}`;
}

function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + 1 + word.length > width) {
      lines.push(line);
      line = word;
    } else line = line === '' ? word : `${line} ${word}`;
  }
  return [...lines, line];
}
