/** HTML from text that came from outside. */

/** Text inside of HTML that is no markup whatever it holds. */
export interface Html {
  readonly html: string;
}

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

const escaped = (text: string): string => text.replace(/[&<>"']/g, (character) => entities[character] ?? character);

type Part = string | number | Html | readonly Part[];

/**
 * Puts parts into a template: text is escaped, HTML that was made by this function is not.
 *
 * @example
 * html`<td>${name}</td>`.html; // a name such as "<script>" is text
 */
export function html(parts: TemplateStringsArray, ...values: readonly Part[]): Html {
  return {
    html: parts.reduce((text, part, i) => text + part + (i < values.length ? render(values[i] ?? '') : ''), ''),
  };
}

/** HTML of others that is trusted: drawings of our own. */
export const trusted = (text: string): Html => ({ html: text });

function render(part: Part): string {
  if (typeof part === 'string') return escaped(part);
  if (typeof part === 'number') return String(part);
  return 'html' in part ? part.html : part.map(render).join('');
}
