// Assembles assembly/ twice, with SIMD and with relaxed SIMD, and writes src/generated/*.ts: the binaries as base64, so that the package
// works from Node, a bundler and a CDN without a file to serve. `--check` compares instead of writing.
import { readFile, writeFile } from 'node:fs/promises';
import asc from 'assemblyscript/asc';

const builds = [
  { file: 'simd', name: 'simdBinary', features: ['simd'] },
  { file: 'relaxed-simd', name: 'relaxedSimdBinary', features: ['simd', 'relaxed-simd'] },
];

/** Assembles one build and returns its binary. */
async function assemble(features) {
  let binary;
  const { error, stderr } = await asc.main(
    [
      'index.ts',
      ...[
        '--outFile',
        'kernels.wasm',
        '-O3',
        '--converge',
        '--runtime',
        'stub',
        '--importMemory',
        '--noAssert',
        '--noColors',
      ],
      ...features.flatMap((feature) => ['--enable', feature]),
    ],
    {
      readFile: (name) => readFile(new URL(`../assembly/${name}`, import.meta.url), 'utf8').catch(() => null),
      writeFile: (name, contents) => {
        if (name.endsWith('.wasm')) binary = contents;
      },
      listFiles: () => [],
    },
  );
  if (error !== null) throw new Error(`assemble: expected assembly/ to compile, got:\n${stderr.toString()}`);
  return binary;
}

/** The source file that embeds a binary. */
function embed(name, features, binary) {
  const base64 = Buffer.from(binary).toString('base64');
  return `// Made by \`pnpm assemble\` from assembly/ (features: ${features.join(', ')}; ${binary.length} bytes). Do not edit.\nexport const ${name}: string =\n  '${base64}';\n`;
}

/** Every generated file: its place and what it should hold. */
export async function generate() {
  const files = [];
  for (const { file, name, features } of builds) {
    const url = new URL(`../src/generated/${file}.ts`, import.meta.url);
    files.push({ url, text: embed(name, features, await assemble(features)) });
  }
  return files;
}

if (process.argv[1] !== undefined && import.meta.url === new URL(`file://${process.argv[1]}`).href) {
  for (const { url, text } of await generate()) await writeFile(url, text);
}
