/** A command: what it is called, what it takes, what it does. Options are data, so that parsing and `--help` cannot disagree. */

import { parseArgs } from 'node:util';
import { inputError, quote } from './errors';
import { renderHelp } from './help';
import type { CliIo } from './io';

/** An option `--name`; with a `value` it takes one (`--size HxW`), without it is a flag. */
export interface OptionSpec {
  /** What the value is called in the help. */
  readonly value?: string;
  /** Given several times, all of them count, in order. */
  readonly isRepeatable?: true;
  readonly description: string;
}

/** What an option is after parsing. */
type OptionValue<Spec extends OptionSpec> = Spec extends { value: string }
  ? Spec extends { isRepeatable: true }
    ? readonly string[]
    : string
  : true;

/** What the help says about a command. */
export interface CommandText {
  readonly name: string;
  /** One sentence. */
  readonly summary: string;
  /** Each way to call it, without `sparsevit`. */
  readonly usage: readonly string[];
  /** Paragraphs below the options. */
  readonly notes: readonly string[];
  readonly examples: readonly string[];
}

/** What was typed after the command's name. The last of a repeated option counts, unless it is repeatable. */
export interface ParsedArguments<Options extends Readonly<Record<string, OptionSpec>>> {
  readonly options: { readonly [Name in keyof Options]?: OptionValue<Options[Name]> };
  readonly inputs: readonly string[];
}

/** A command, ready to be called. */
export interface Command {
  readonly name: string;
  readonly summary: string;
  help(): string;
  /** The exit code, where it is not that of success. */
  run(argv: readonly string[], io: CliIo): Promise<number | undefined>;
}

/** Every command has it, handled before anything else is looked at. */
const helpOption: OptionSpec = { description: 'Print this help.' };

/**
 * Makes a command from its options and what it does with them.
 *
 * @example
 * defineCommand({ name: 'size', summary: 'Print the size.', usage: ['size <file>'], notes: [], examples: [], options: {}, execute });
 */
export function defineCommand<const Options extends Readonly<Record<string, OptionSpec>>>(
  definition: CommandText & {
    readonly options: Options;
    execute(args: ParsedArguments<Options>, io: CliIo): Promise<void> | Promise<number>;
  },
): Command {
  const { name, summary, options } = definition;
  const help = (): string => renderHelp(definition, { ...options, help: helpOption });
  return {
    name,
    summary,
    help,
    async run(argv, io) {
      if (!asksForHelp(argv)) {
        const code = await definition.execute(parseArguments(argv, name, options), io);
        return typeof code === 'number' ? code : undefined;
      }
      io.stdout(help());
      return undefined;
    },
  };
}

/** True for `--help` or `-h` before a `--`. */
export function asksForHelp(argv: readonly string[]): boolean {
  const end = argv.indexOf('--');
  return (end < 0 ? argv : argv.slice(0, end)).some((argument) => argument === '--help' || argument === '-h');
}

/**
 * Reads the arguments of a command.
 *
 * @throws SparseViTError for an option that it does not have, one without its value, or a flag with one
 */
function parseArguments<Options extends Readonly<Record<string, OptionSpec>>>(
  argv: readonly string[],
  name: string,
  options: Options,
): ParsedArguments<Options> {
  const typed = Object.fromEntries(
    Object.entries(options).map(([option, { value }]) => [
      option,
      { type: value === undefined ? ('boolean' as const) : ('string' as const) },
    ]),
  );
  const { tokens } = parseArgs({ args: [...argv], options: typed, strict: false, tokens: true });
  const inputs: string[] = [];
  const found: Record<string, string | true | string[]> = {};
  for (const token of tokens) {
    if (token.kind === 'positional') inputs.push(token.value);
    if (token.kind !== 'option') continue;
    const spec = Object.hasOwn(options, token.name) ? options[token.name] : undefined;
    const see = `See \`sparsevit ${name} --help\`.`;
    if (spec === undefined || token.rawName !== `--${token.name}`) {
      throw inputError(`${name}: expected one of its options, got ${quote(token.rawName)}. ${see}`);
    }
    if (spec.value === undefined) {
      if (token.value !== undefined) throw inputError(`${name}: expected ${token.rawName} alone, got a value. ${see}`);
      found[token.name] = true;
      continue;
    }
    const isNextOption = token.inlineValue === false && token.value.startsWith('--');
    if (token.value === undefined || token.value === '' || isNextOption) {
      throw inputError(`${name}: expected ${token.rawName} ${spec.value}, got no value. ${see}`);
    }
    if (spec.isRepeatable !== true) {
      found[token.name] = token.value;
      continue;
    }
    const before = found[token.name];
    found[token.name] = [...(Array.isArray(before) ? before : []), token.value];
  }
  // Which names can be there, and whether each is a text, a list or a flag, is what the loop has just checked.
  return { options: found as ParsedArguments<Options>['options'], inputs };
}
