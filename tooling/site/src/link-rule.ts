/** The rule of links as a plugin of VitePress's Markdown. */
import { statSync } from 'node:fs';
import { join, relative } from 'node:path';
import type { MarkdownRenderer } from 'vitepress';
import { siteLink, sourceOf } from './links';

/** What the plugin takes. */
export interface LinkRuleOptions {
  readonly root: string;
  readonly base: string;
  readonly repository: string | null;
  /** Told of each file that a page links to, by its path below `docs`. */
  readonly onFile: (path: string) => void;
}

const kindOf = (path: string): 'file' | 'folder' | 'none' => {
  const found = statSync(path, { throwIfNoEntry: false });
  if (found === undefined) return 'none';
  return found.isDirectory() ? 'folder' : 'file';
};

/** Rewrites the links of every page by {@link siteLink}. */
export function linkRule(md: MarkdownRenderer, { root, base, repository, onFile }: LinkRuleOptions): void {
  md.core.ruler.push('site-links', (state) => {
    const env = state.env as { readonly realPath?: string; readonly path?: string };
    const file = env.realPath ?? env.path;
    if (file === undefined) return; // a title
    const page = relative(join(root, 'docs'), file).replaceAll('\\', '/');
    // Typedoc's own links are between its pages; VitePress checks them.
    if (page.startsWith('api/')) return;
    const context = { from: sourceOf(page), repository, kindOf: (path: string) => kindOf(join(root, path)) };
    for (const { children } of state.tokens) {
      const open: string[] = [];
      for (const token of children ?? []) {
        if (token.type === 'link_close') token.tag = open.pop() ?? 'a';
        if (token.type !== 'link_open') continue;
        const link = siteLink(token.attrGet('href') ?? '', context);
        open.push(link.kind === 'text' ? 'span' : 'a');
        if (link.kind === 'page') token.attrSet('href', link.path);
        if (link.kind === 'address') token.attrSet('href', link.address);
        if (link.kind === 'file') {
          // A target keeps VitePress from taking the file for a page.
          token.attrSet('href', base + link.path.slice(1));
          token.attrSet('target', '_self');
          onFile(link.path.slice(1));
        }
        if (link.kind === 'text') {
          token.tag = 'span';
          token.attrs = null;
        }
      }
    }
  });
}
