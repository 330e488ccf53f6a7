/**
 * Where a link goes on the site. Pages are written for the repository: their links are relative and may leave `docs`, so that they work where
 * the files are read as they are. On the site READMEs of packages and tools are pages, other files of `docs` lie beside them, and the rest
 * is in the repository, whose address may not be known.
 */
import { posix } from 'node:path';

/** What a link becomes. */
export type SiteLink =
  /** A page: its Markdown file below the site's root, with its fragment. */
  | { readonly kind: 'page'; readonly path: string }
  /** A file that is copied to the site. */
  | { readonly kind: 'file'; readonly path: string }
  /** An address outside of the site. */
  | { readonly kind: 'address'; readonly address: string }
  /** Only in the repository, which has no address: its text stays, without a link. */
  | { readonly kind: 'text' };

/** What deciding on a link takes. */
export interface LinkContext {
  /** The Markdown file with the link, from the root of the repository. */
  readonly from: string;
  /** Address of the repository, or null. */
  readonly repository: string | null;
  /** What lies at a path of the repository. */
  readonly kindOf: (path: string) => 'file' | 'folder' | 'none';
}

const isReadme = /(?:^|\/)README\.md$/;

/** The page of a Markdown file of the repository, or of the folder of all packages, below the root of the site; null when it has none. */
export function pageOf(path: string): string | null {
  if (path === 'README.md') return 'index.md';
  if (path === 'packages') return 'packages/index.md';
  const inner = /^(packages|tooling)\/([^/]+)\/README\.md$/.exec(path);
  if (inner !== null) return `${inner[1]}/${inner[2]}.md`;
  if (!path.startsWith('docs/') || !path.endsWith('.md')) return null;
  return path.slice('docs/'.length).replace(isReadme, (readme) => readme.replace('README', 'index'));
}

/** The Markdown file of the repository that a page of `docs` is a copy of, or the file itself. */
export function sourceOf(page: string): string {
  const inner = /^(packages|tooling)\/([^/]+)\.md$/.exec(page);
  return inner === null ? `docs/${page}` : `${inner[1]}/${inner[2]}/README.md`;
}

/**
 * Decides on a link of a Markdown file.
 *
 * @throws Error for a relative link to nothing
 */
export function siteLink(href: string, { from, repository, kindOf }: LinkContext): SiteLink {
  if (/^(?:[a-z][a-z+.-]*:|\/\/|#)/i.test(href)) return { kind: 'address', address: href };
  const [, path = '', fragment = ''] = /^([^?#]*)(.*)$/.exec(href) ?? [];
  const target = path.startsWith('/') ? `docs${path}` : posix.join(posix.dirname(from), decodeURI(path));
  const clean = target.replace(/\/$/, '');
  const kind = kindOf(clean);
  if (kind === 'none' || clean.startsWith('..')) {
    throw new Error(`${from}: expected links to files of the repository, got ${href}. Correct or remove it.`);
  }
  const readme = `${clean}/README.md`;
  const page = pageOf(kind === 'folder' && kindOf(readme) === 'file' ? readme : clean);
  if (page !== null) return { kind: 'page', path: `/${page}${fragment}` };
  if (kind === 'file' && clean.startsWith('docs/')) return { kind: 'file', path: clean.slice('docs'.length) };
  if (repository === null) return { kind: 'text' };
  return { kind: 'address', address: `${repository}/${kind === 'file' ? 'blob' : 'tree'}/main/${clean}${fragment}` };
}
