/** SVG as text: the few elements that the figures need. Coordinates have two decimals, so that a file does not hang on the last bit. */

/** Attributes of an element; numbers are rounded. */
export type Attributes = Readonly<Record<string, string | number>>;

const escaped = (text: string): string => text.replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/"/g, '&quot;');
const written = (value: string | number): string =>
  typeof value === 'number' ? String(Math.round(value * 100) / 100) : escaped(value);

/** An element with attributes and what is in it. */
export function element(name: string, attributes: Attributes, ...children: readonly string[]): string {
  const list = Object.entries(attributes).map(([key, value]) => ` ${key}="${written(value)}"`);
  return children.length === 0
    ? `<${name}${list.join('')}/>`
    : `<${name}${list.join('')}>${children.join('')}</${name}>`;
}

/** A line of text. */
export const text = (x: number, y: number, content: string, attributes: Attributes = {}): string =>
  element('text', { x, y, ...attributes }, escaped(content));

/** A whole figure on a white ground; `title` says what it shows to those who do not see it. */
export function figure(width: number, height: number, title: string, ...children: readonly string[]): string {
  const attributes = {
    xmlns: 'http://www.w3.org/2000/svg',
    viewBox: `0 0 ${width} ${height}`,
    width,
    height,
    'font-family': 'system-ui, sans-serif',
    'font-size': 12,
    fill: '#222',
  };
  const ground = element('rect', { width, height, fill: '#fff' });
  return `${element('svg', attributes, `\n<title>${escaped(title)}</title>`, `\n${ground}`, ...children.map((child) => `\n${child}`), '\n')}\n`;
}

/** Told apart by most kinds of colour vision (Okabe and Ito, 2008). */
export const colours = {
  blue: '#0072b2',
  orange: '#d55e00',
  green: '#009e73',
  purple: '#cc79a7',
  yellow: '#e69f00',
  grey: '#999999',
} as const;
