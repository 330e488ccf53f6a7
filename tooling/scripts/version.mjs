// `pnpm version-packages`: versions and changelogs from the changesets.
import { root } from './lib/process.mjs';
import { versionPackages } from './lib/versions.mjs';

const { code, output } = await versionPackages(root);
process.stdout.write(output);
process.exitCode = code;
