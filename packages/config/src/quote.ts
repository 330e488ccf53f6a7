/** How messages show text that came from outside. */

const longestText = 60;

/** A value in quotes, cut, with everything but printable ASCII escaped, so that it stays on one line and cannot steer a terminal. */
export function quote(value: unknown): string {
  const text = String(value);
  const cut = text.length > longestText ? `${text.slice(0, longestText)}...` : text;
  return JSON.stringify(cut).replace(/[^ -~]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`);
}
