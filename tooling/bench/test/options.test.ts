import { describe, expect, it } from 'vitest';
import { parseCommand } from '../src/options';

const planOf = (...words: string[]): object => {
  const command = parseCommand(words);
  if (command.name !== 'run') throw new Error(`expected a run, got ${command.name}`);
  return command.plan;
};

describe('the command line', () => {
  it('reads lists', () => {
    expect(planOf('--sizes', '224,512', '--cases', 'dense,0.6', '--engines', 'sparsevit,ort-web')).toMatchObject({
      sizes: [224, 512],
      configurations: ['dense', '0.6'],
      engines: ['sparsevit', 'ort-web'],
    });
  });

  it('keeps the commas of a notation', () => {
    expect(planOf('--cases', 'dense', '--cases', '.3|0|.1,.2,.2|0')).toMatchObject({
      configurations: ['dense', '.3|0|.1,.2,.2|0'],
    });
  });

  it('knows what was not said', () => {
    expect(planOf()).toEqual({ wantsPeers: false, isQuick: false, isDryRun: false, isIsolated: false });
    expect(planOf('--train')).toMatchObject({ wantsTraining: true });
    expect(planOf('--no-train', '--no-profile')).toMatchObject({ wantsTraining: false, wantsProfile: false });
  });

  it('passes the `--` that package managers put in', () => {
    expect(planOf('--', '--peers')).toMatchObject({ wantsPeers: true });
  });

  it('has help and tables', () => {
    expect(parseCommand(['--help'])).toEqual({ name: 'help' });
    expect(parseCommand(['markdown', 'a.json', 'b.json'])).toEqual({ name: 'markdown', files: ['a.json', 'b.json'] });
  });

  it.each([
    [['--sizes', '224,x'], '--sizes: expected whole numbers of at least 32, got x.'],
    [['--sizes', '16'], 'at least 32, got 16'],
    [['--rounds', '0'], '--rounds: expected whole numbers of at least 1, got 0.'],
    [['--rounds', '1e9'], 'got 1e9'],
    [['--runs', ''], 'got nothing'],
    [['--cases', 'sparse'], '--cases: expected dense or a sparsity, got sparse'],
    [['--cases', '.3|0'], 'got .3|0'],
    [['--engines', 'tvm'], '--engines: expected sparsevit'],
    [['--backend', 'cpu'], '--backend: expected wasm, webgpu, got cpu.'],
    [['--speed'], 'See --help.'],
    [['compare'], 'expected options or markdown, got compare'],
    [['markdown'], 'expected result files, got none'],
  ])('refuses %j', (words, message) => {
    expect(() => parseCommand(words)).toThrow(message);
  });
});
