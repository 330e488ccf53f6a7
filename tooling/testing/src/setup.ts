/** Runs before every test file of both lanes: a test that prints fails, because library code never prints. */
import { afterAll, afterEach } from 'vitest';

const methods = ['debug', 'error', 'info', 'log', 'trace', 'warn'] as const;
let printed: string[] = [];

for (const method of methods) {
  // A plain function, not a vitest spy: `vi.restoreAllMocks()` in a test must not switch the check off.
  console[method] = (...args: unknown[]): void => {
    printed.push(`console.${method}: ${args.map(String).join(' ').trim()}`);
  };
}

function failIfPrinted(): void {
  if (printed.length === 0) return;
  const lines = printed.join('\n');
  printed = [];
  throw new Error(
    `expected a silent test, got output. Remove it, or spy on the console where it is the subject.\n${lines}`,
  );
}

afterEach(failIfPrinted);
// Catches what is printed outside tests: while a file loads, in its last hooks.
afterAll(failIfPrinted);
