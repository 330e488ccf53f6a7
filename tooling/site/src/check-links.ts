/** Checks the links of a built site: every page, file and fragment that a page points to has to be there. */
import { posix } from 'node:path';

const entities: Readonly<Record<string, string>> = {
  '&amp;': '&',
  '&lt;': '<',
  '&gt;': '>',
  '&quot;': '"',
  '&#39;': "'",
};
const plain = (text: string): string =>
  text.replace(/&(?:amp|lt|gt|quot|#39);/g, (entity) => entities[entity] ?? entity);
const decoded = (text: string): string => {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
};

const valuesOf = (html: string, attribute: string): readonly string[] =>
  [...html.matchAll(new RegExp(`<[a-z][^>]*\\s${attribute}="([^"]*)"`, 'gi'))].map(([, value = '']) => plain(value));

/**
 * Dead links of a site, one line each.
 *
 * @param pages the HTML of each page, by its path below the site's root
 * @param files paths of everything else on the site
 * @param base what the site's addresses begin with
 */
export function deadLinks(
  pages: ReadonlyMap<string, string>,
  files: ReadonlySet<string>,
  base: string,
): readonly string[] {
  const ids = new Map([...pages].map(([path, html]) => [path, new Set(valuesOf(html, 'id'))]));
  const found: string[] = [];
  for (const [page, html] of pages) {
    const links = new Set([...valuesOf(html, 'href'), ...valuesOf(html, 'src')]);
    for (const link of links) {
      if (/^(?:[a-z][a-z+.-]*:|\/\/)/i.test(link) || link === '') continue;
      const [, path = '', , fragment = ''] = /^([^?#]*)(\?[^#]*)?#?(.*)$/.exec(link) ?? [];
      const absolute = path.startsWith('/') ? path : posix.join(base, path === '' ? page : posix.dirname(page), path);
      const target = decoded(absolute.slice(base.length)).replace(/(^|\/)$/, '$1index.html');
      if (!absolute.startsWith(base) || !(pages.has(target) || files.has(target))) {
        found.push(`${page}: ${link} leads to no page or file of the site`);
      } else if (fragment !== '' && pages.has(target) && ids.get(target)?.has(decoded(fragment)) !== true) {
        found.push(`${page}: ${link} leads to no heading of ${target}`);
      }
    }
  }
  return found;
}
