/** Which layout a file's keys follow and what stands before them, found by the patch embedding and the bias tables. */

import { refuse, showList, showName } from '../formats/refuse';
import type { StoredTensor } from '../formats/tensor';
import type { KeyLayout } from './layouts';
import { keyLayouts } from './layouts';
import type { KeyPrefixes } from './stored-slots';

/** A layout as it occurs in a file. */
export interface FoundLayout {
  readonly layout: KeyLayout;
  readonly prefixes: KeyPrefixes;
}

type StoredTensors = ReadonlyMap<string, StoredTensor>;

const mostPrefixes = 16;
const here = 'checkpoint';

/**
 * Finds the one Swin of a file.
 *
 * @param prefix what stands before the keys of the backbone (`backbone.`); found when not given
 * @throws CheckpointError when there is none, or more than one and no prefix given
 */
export function findLayout(tensors: StoredTensors, prefix?: string): FoundLayout {
  const names = [...tensors.keys()];
  const anchored = anchoredPrefixes(names);
  if (anchored.size > mostPrefixes) refuse(here, 'one Swin', `${anchored.size} patch embeddings`);
  const wanted = prefix === undefined || prefix === '' || prefix.endsWith('.') ? prefix : `${prefix}.`;

  const found = new Map<string, KeyLayout>();
  for (const [candidate, layouts] of anchored) {
    if (wanted !== undefined && candidate !== wanted) continue;
    const fitting = layouts.filter((layout) => hasBiasTable(names, candidate, layout));
    const [layout] =
      fitting.length > 1 ? fitting.filter(({ name }) => name === mergingPlacement(tensors, candidate)) : fitting;
    if (layout !== undefined) found.set(candidate, layout);
  }
  if (found.size > 1) {
    const prefixes = showList([...found.keys()].map(showName));
    refuse(here, 'one Swin', `${found.size}, with the prefixes ${prefixes}`, 'Say which with prefix (--prefix).');
  }
  for (const [body, layout] of found) return resolveNames(names, body, layout);
  return refuseOther(names, wanted, anchored.size > 0);
}

/** Every prefix before a patch projection, with the layouts that name it so. */
function anchoredPrefixes(names: readonly string[]): Map<string, KeyLayout[]> {
  const anchored = new Map<string, KeyLayout[]>();
  for (const layout of keyLayouts) {
    const anchor = `${layout.patchProjection}.weight`;
    for (const name of names) {
      if (name !== anchor && !name.endsWith(`.${anchor}`)) continue;
      const prefix = name.slice(0, -anchor.length);
      anchored.set(prefix, [...(anchored.get(prefix) ?? []), layout]);
    }
  }
  return anchored;
}

function hasBiasTable(names: readonly string[], prefix: string, { blockPattern, blockNames }: KeyLayout): boolean {
  return names.some(
    (name) => name.startsWith(prefix) && blockPattern.exec(name.slice(prefix.length))?.[3] === blockNames.biasTable,
  );
}

/**
 * Microsoft and timm share all names of blocks. A merging of stage i has 4 C 2^i inputs: under `layers.{i}` it is Microsoft's, under
 * `layers.{i + 1}` timm's. Without any, timm's head tells.
 */
function mergingPlacement(tensors: StoredTensors, prefix: string): 'microsoft' | 'timm' {
  const channels = tensors.get(`${prefix}patch_embed.proj.weight`)?.shape[0] ?? 0;
  let votesForTimm = 0;
  for (const [name, { shape }] of tensors) {
    if (!name.startsWith(prefix)) continue;
    const index = /^layers\.(\d+)\.downsample\.(?:norm|reduction)\.weight$/.exec(name.slice(prefix.length))?.[1];
    const inputs = shape.at(-1);
    if (index === undefined) continue;
    if (inputs === 4 * channels * 2 ** Number(index)) votesForTimm--;
    if (inputs === 2 * channels * 2 ** Number(index)) votesForTimm++;
  }
  if (votesForTimm === 0 && tensors.has(`${prefix}head.fc.weight`)) return 'timm';
  return votesForTimm > 0 ? 'timm' : 'microsoft';
}

/** Hugging Face keeps a classifier, and in some models the output norms, one level above the backbone; older files number the norms from 0. */
function resolveNames(names: readonly string[], body: string, layout: KeyLayout): FoundLayout {
  if (layout.name !== 'huggingface') return { layout, prefixes: { body, outputNorms: body, classifier: body } };
  const above = body.replace(/(^|\.)(?:swin|model)\.$/, '$1');
  const outputNorms = names.some((name) => name.startsWith(`${body}hidden_states_norms.`)) ? body : above;
  const classifier = /(^|\.)swin\.$/.test(body) ? above : body;
  const isNumbered = names.includes(`${outputNorms}hidden_states_norms.0.weight`);
  return {
    layout: isNumbered ? { ...layout, outputNorm: (stage) => `hidden_states_norms.${stage}` } : layout,
    prefixes: { body, outputNorms, classifier },
  };
}

function refuseOther(names: readonly string[], prefix: string | undefined, hasPatchEmbedding: boolean): never {
  const anchors = [...new Set(keyLayouts.map(({ patchProjection }) => `${patchProjection}.weight`))].join(', ');
  const under = prefix === undefined ? '' : ` under the prefix ${JSON.stringify(prefix)}`;
  const some =
    names.length === 0 ? 'no tensors' : `${names.length} tensors such as ${names.slice(0, 4).map(showName).join(', ')}`;
  const isSwinV2 = names.some((name) => /\.(logit_scale|cpb_mlp\.|continuous_position_bias_mlp\.)/.test(name));
  const advice = isSwinV2
    ? 'This is a Swin V2, which is not supported.'
    : hasPatchEmbedding
      ? 'There is a patch embedding but no bias table of a block: another architecture.'
      : '';
  return refuse(here, `a Swin${under} (${anchors}, and a relative_position_bias_table in each block)`, some, advice);
}
