/** The pages of the API: what every entry of every published package exports, from its types and docstrings. */
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Application, ConsoleLogger, LogLevel, type TypeDocOptions } from 'typedoc';
import type { SitePackage } from './repository';

const options = (
  root: string,
  packages: readonly SitePackage[],
): Record<string, unknown> & Partial<TypeDocOptions> => ({
  entryPoints: packages.flatMap(({ entries }) => entries.map(({ source }) => source)),
  plugin: ['typedoc-plugin-markdown'],
  tsconfig: join(root, 'tsconfig.json'),
  // Types are checked by a step of their own.
  skipErrorChecking: true,
  disableSources: true,
  readme: 'none',
  excludeInternal: true,
  excludePrivate: true,
  // Names of interest to nobody who imports: see the package's own pages.
  excludeExternals: true,
  groupOrder: ['Functions', 'Variables', 'Interfaces', 'Type Aliases', 'Classes', '*'],
  // A link to something that is not exported stays text.
  validation: { notExported: false, invalidLink: true, invalidPath: true, rewrittenLink: true, notDocumented: false },
  outputs: [{ name: 'markdown', path: join(root, 'docs/api') }],
  outputFileStrategy: 'modules',
  excludeScopesInPaths: true,
  entryFileName: 'index',
  hidePageHeader: true,
  hideBreadcrumbs: true,
  useCodeBlocks: true,
  useHTMLEncodedBrackets: true,
  // A heading has the id that links to it have, whatever a site would make of its text.
  useCustomAnchors: true,
  parametersFormat: 'table',
  propertyMembersFormat: 'table',
  interfacePropertiesFormat: 'table',
  typeDeclarationFormat: 'table',
});

/** Keeps what is said, so that a warning is a failure with its text. */
class CollectingLogger extends ConsoleLogger {
  readonly #lines: string[] = [];

  override log(message: string, level: LogLevel): void {
    if (level >= LogLevel.Warn) this.#lines.push(message);
  }

  lines(): readonly string[] {
    return this.#lines;
  }
}

/**
 * Writes `docs/api`, one page for each entry.
 *
 * @throws Error with every line that typedoc warned of: a parameter that is not there, a link to nothing
 */
export async function writeApi(root: string, packages: readonly SitePackage[]): Promise<void> {
  rmSync(join(root, 'docs/api'), { recursive: true, force: true });
  const logger = new CollectingLogger();
  const application = await Application.bootstrapWithPlugins(options(root, packages));
  application.logger = logger;
  const specifiers = new Map(
    packages.flatMap(({ entries }) => entries.map((entry) => [entry.source, entry.specifier])),
  );
  const entryPoints = application.getEntryPoints() ?? [];
  for (const entryPoint of entryPoints) {
    const specifier = specifiers.get(entryPoint.sourceFile.fileName);
    if (specifier === undefined)
      throw new Error(`no entry of a package has the source ${entryPoint.sourceFile.fileName}`);
    entryPoint.displayName = specifier;
  }
  const project = application.converter.convert(entryPoints);
  application.validate(project);
  await application.generateOutputs(project);
  if (logger.lines().length > 0) throw new Error(logger.lines().join('\n'));
  for (const { entries } of packages) {
    for (const { page, specifier } of entries) describePage(join(root, 'docs', `${page}.md`), specifier);
  }
}

/** An entry without exports has an empty page; and no page of the API is edited by hand. */
function describePage(file: string, specifier: string): void {
  const text = readFileSync(file, 'utf8');
  const hasExports = /^## /m.test(text);
  const note = hasExports ? '' : '\nExports nothing: it is imported for what it does.\n';
  writeFileSync(file, `---\neditLink: false\noutline: [2, 3]\ntitle: '${specifier}'\n---\n\n${text}${note}`);
}
