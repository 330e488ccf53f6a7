/** Path of a Chromium; null when there is none. */
export function chromiumPath(): string | null;
