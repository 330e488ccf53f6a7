/** The message of something that was thrown; TensorFlow.js rejects with plain objects too. */
export function messageOf(thrown: unknown): string {
  const message = (thrown as { message?: unknown } | null | undefined)?.message;
  return typeof message === 'string' && message !== '' ? message : String(thrown);
}
