/** The error that a call throws, to look at more than one side of it; a call that throws none is itself an error. */
export function errorOf(run: () => unknown): Error {
  try {
    run();
  } catch (error) {
    if (error instanceof Error) return error;
  }
  throw new Error('expected an error');
}
