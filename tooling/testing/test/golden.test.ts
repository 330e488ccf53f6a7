import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { findGoldens } from '../src/golden-files';
import { hasGolden, loadGolden, missingGoldens, requireGolden } from '../src/index';

describe('findGoldens', () => {
  const folder = mkdtempSync(join(tmpdir(), 'goldens-'));
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  it('names files by their path below the root, and takes the first root that has one', () => {
    for (const root of ['near', 'far']) {
      mkdirSync(join(folder, root, 'family'), { recursive: true });
      writeFileSync(join(folder, root, 'family', 'both'), root);
      writeFileSync(join(folder, root, 'family', `packed${root === 'near' ? '.gz' : ''}`), root);
    }
    writeFileSync(join(folder, 'far', 'family', 'one'), 'far');
    expect(findGoldens([join(folder, 'near'), join(folder, 'far'), join(folder, 'absent')])).toEqual({
      'family/both': join(folder, 'near', 'family', 'both'),
      'family/one': join(folder, 'far', 'family', 'one'),
      'family/packed': join(folder, 'near', 'family', 'packed.gz'),
    });
  });

  it('does not hide other faults than an absent folder', () => {
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, 'file'), '');
    expect(() => findGoldens([join(folder, 'file')])).toThrow(/ENOTDIR/);
  });
});

describe('loadGolden', () => {
  it('reads a file of the repository', async () => {
    const bytes = await requireGolden('swin-torchvision-w5/weights.safetensors');
    const header = new TextDecoder().decode(
      bytes.subarray(8, 8 + Number(new DataView(bytes.buffer).getBigUint64(0, true))),
    );
    expect(JSON.parse(header)).toHaveProperty('head.weight');
  });

  it('gives null for a file that is nowhere, and says what is missing', async () => {
    expect(await loadGolden('nowhere/at-all.safetensors')).toBeNull();
    expect(hasGolden('nowhere/at-all.safetensors')).toBe(false);
    expect(missingGoldens(['swin-torchvision-w5/weights.safetensors'])).toBeNull();
    expect(missingGoldens(['swin-torchvision-w5/weights.safetensors', 'nowhere/a'])).toBe(
      'skipped: nowhere/a needs ../shared/goldens, which is not here',
    );
    await expect(requireGolden('nowhere/a')).rejects.toThrow(/describeGolden/);
  });
});
