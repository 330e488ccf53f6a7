import { CheckpointError, createRandom } from '@sparsevit/windows';
import { describe, expect, test } from 'vitest';
import type { SearchOptions } from '../src/index';
import { createSearch, memoryJournal, parseJournal, runSearch } from '../src/index';
import { madeUp, optionsOf, seeds, smallSpace } from './problems';

const problem = madeUp(smallSpace, 8);
const options = optionsOf(problem, 0.6, { preset: 'small', maxEvaluations: 40, seed: 2 });
const evaluate = ({
  prunedRatios,
}: {
  prunedRatios: readonly (readonly number[])[];
}): { values: { accuracy: number } } => ({
  values: { accuracy: problem.accuracy(prunedRatios) },
});

async function journalText(of: SearchOptions = options): Promise<string> {
  const journal = memoryJournal();
  await runSearch(createSearch(of), evaluate, { journal });
  return journal.read();
}

const resume = (text: string, of: SearchOptions = options): Promise<unknown> =>
  runSearch(createSearch(of), evaluate, { journal: memoryJournal(text) });

describe('the text', () => {
  test('is a line of JSON for the settings, then one for each thing that happened', async () => {
    const text = await journalText();
    const lines = text
      .trimEnd()
      .split('\n')
      .map((line): unknown => JSON.parse(line));
    expect(lines[0]).toMatchObject({
      type: 'search',
      format: 'sparsevit-search-journal',
      version: 1,
      settings: { seed: 2, constraints: [{ name: 'latencyMs', isComputed: true }] },
    });
    expect(lines[1]).toMatchObject({ type: 'generation', generation: 0 });
    expect(lines[2]).toMatchObject({ type: 'result', id: 0, attempt: 1, state: 'complete' });
    expect(lines).toHaveLength(1 + 2 + 40);
    expect(parseJournal(text)?.records).toEqual(lines.slice(1));
    expect(parseJournal(text)?.length).toBe(text.length);
  });

  test('is ASCII whatever a reason says, so that a length in characters is one in bytes', async () => {
    const journal = memoryJournal();
    let first = true;
    const failing = (candidate: Parameters<typeof evaluate>[0]): ReturnType<typeof evaluate> => {
      if (!first) return evaluate(candidate);
      first = false;
      throw new Error('Datei nicht gefunden: \u00fcber \u2192 \ud83d\ude00\n');
    };
    const result = await runSearch(createSearch(options), failing, { journal });
    const text = await journal.read();
    expect(/^[\n\u0020-\u007e]*$/.test(text)).toBe(true);
    expect(parseJournal(text)?.records).toContainEqual({
      type: 'result',
      id: 0,
      attempt: 1,
      state: 'failed',
      reason: 'Datei nicht gefunden: \u00fcber \u2192 \ud83d\ude00\n',
    });
    expect(await resume(text)).toEqual(result);
  });

  test('a torn last line of any length is left out; before the first whole line there is nothing', async () => {
    const text = await journalText();
    const firstLine = text.indexOf('\n') + 1;
    for (let length = 0; length < text.length; length += length < firstLine ? 1 : 97) {
      const read = parseJournal(text.slice(0, length));
      if (length < firstLine) expect(read).toBe(null);
      else expect(text.slice(0, read?.length)).toBe(text.slice(0, text.lastIndexOf('\n', length - 1) + 1));
    }
  });

  test('zeros, or half a line ended by a line break, that a crash left at the end are left out', async () => {
    const text = await journalText();
    for (const rubbish of ['\0'.repeat(512), '\0\0\0\n', '{"type":"resu\n', 'null x\n']) {
      expect(parseJournal(text + rubbish)?.length).toBe(text.length);
      const journal = memoryJournal(text.slice(0, text.length - 60) + rubbish);
      const again = await runSearch(createSearch(options), evaluate, { journal });
      expect(again).toEqual(await resume(''));
      expect(await journal.read()).toBe(text);
    }
  });

  test('what two runs wrote at a time, each record twice, is read as one', async () => {
    const lines = (await journalText()).trimEnd().split('\n');
    const twice = `${lines.flatMap((line, i) => (i === 0 ? [line] : [line, line])).join('\n')}\n`;
    expect(await resume(twice)).toEqual(await resume(''));
  });
});

describe('refuses', () => {
  test('another search, naming what differs', async () => {
    const text = await journalText();
    const others: readonly [string, Partial<SearchOptions>][] = [
      ['seed', { seed: 3 }],
      ['preset', { preset: 'spos' }],
      ['space', { space: { ...smallSpace, choices: [0, 0.2, 0.4, 0.6] } }],
      ['constraints', { constraints: [{ name: 'latencyMs', of: problem.latencyMs, atMost: 11 }] }],
      ['attempts', { attempts: 5 }],
      ['initial', { initial: [[[0.8], [0.8, 0.8], [0.8, 0.8, 0.8]]] }],
    ];
    for (const [name, change] of others) {
      await expect(resume(text, { ...options, ...change })).rejects.toThrow(`go on with a search whose ${name} is`);
    }
    await expect(resume(text, { ...options, seed: 3 })).rejects.toThrow(CheckpointError);
  });

  test('another table of latencies', async () => {
    const text = await journalText();
    const slower = { name: 'latencyMs', of: (at: readonly (readonly number[])[]) => 0.999 * problem.latencyMs(at) };
    const constraints = options.constraints?.map((constraint) => ({ ...constraint, ...slower })) ?? [];
    await expect(resume(text, { ...options, constraints })).rejects.toThrow(
      'expected latencyMs to be computed as before',
    );
  });

  test('a newer version, and what is no journal', async () => {
    const text = await journalText();
    await expect(resume(text.replace('"version":1', '"version":2'))).rejects.toThrow('expected version 1 of line 1');
    for (const other of [
      'hello\n',
      '{}\n',
      '[]\n',
      'null\n',
      'hello',
      '{"type":"search","format":"other"}\n',
      '\0\0\0',
    ]) {
      const journal = memoryJournal(other);
      await expect(runSearch(createSearch(options), evaluate, { journal })).rejects.toThrow(CheckpointError);
      expect(await journal.read()).toBe(other); // nothing of another's is cut off
    }
  });

  test('a line inside that is damaged or missing', async () => {
    const lines = (await journalText()).trimEnd().split('\n');
    const without = (i: number): string => `${lines.filter((_, at) => at !== i).join('\n')}\n`;
    const changed = (i: number, to: (line: string) => string): string =>
      `${lines.map((line, at) => (at === i ? to(line) : line)).join('\n')}\n`;
    await expect(resume(changed(5, (line) => line.slice(0, 20)))).rejects.toThrow(
      'expected JSON in line 6 of the journal',
    );
    await expect(resume(without(1))).rejects.toThrow(CheckpointError); // a generation
    await expect(resume(without(5))).rejects.toThrow(
      'expected generation 1 after one that is done, got 1'.slice(0, 24),
    ); // a result
    await expect(resume(changed(1, (line) => line.replace('"id":3,', '"id":4,')))).rejects.toThrow(
      'expected ids in order',
    );
    await expect(resume(changed(4, (line) => line.replace('"accuracy":', '"accurate":')))).rejects.toThrow(
      'got no accuracy',
    );
  });

  test.each(seeds(60))('rubbish in any field, seed %i', async (seed) => {
    const lines = (await journalText()).trimEnd().split('\n');
    const random = createRandom(seed);
    const at = 1 + random.integer(0, lines.length - 1);
    const record = JSON.parse(lines[at] ?? '') as Record<string, unknown>;
    const rubbish = [null, -1, 1.5, 'x', [], {}, [null], [[9]], 1e300, true, { accuracy: 'x' }, { latencyMs: null }];
    const field = Object.keys(record)[random.integer(0, Object.keys(record).length)] ?? '';
    const value = rubbish[random.integer(0, rubbish.length)];
    const damaged = [...lines];
    damaged[at] = JSON.stringify({ ...record, [field]: value });
    // refused, or read as what it says: never a crash of another kind
    const outcome = await resume(`${damaged.join('\n')}\n`).catch((error: unknown) => error);
    if (outcome instanceof Error) expect(outcome).toBeInstanceOf(CheckpointError);
    else expect(outcome).toMatchObject({ format: 'sparsevit-search-result' });
  });
});

describe('a snapshot', () => {
  test('is for a search under which nothing has happened yet', () => {
    const search = createSearch(options);
    search.ask();
    expect(() => search.restore(createSearch(options).snapshot())).toThrow(
      'expected to restore before anything was asked for',
    );
  });

  test.each([
    null,
    1,
    [],
    {},
    { format: 'sparsevit-search', version: 1 },
    { format: 'sparsevit-search', version: 1, settings: {}, records: [1] },
  ])('is not %j', (value) => {
    expect(() => createSearch(options).restore(value)).toThrow(CheckpointError);
  });
});
