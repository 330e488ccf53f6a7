import { CheckpointError, sparsityModes, uniformSparsity } from '@sparsevit/windows';
import { describe, expect, test } from 'vitest';
import type { CheckpointDocument } from '../../src/checkpoint/document';
import { readDocument, writeDocument } from '../../src/checkpoint/document';
import { tiny } from './samples';

const document: CheckpointDocument = {
  architecture: tiny,
  family: 'mmdet',
  sparsity: { prunedRatios: [[0.3], [0], [0.1]], ...sparsityModes.official },
};

/** The document's JSON with one field set to another value (undefined removes it). */
function changed(path: string, value: unknown): string {
  const json = JSON.parse(writeDocument(document)) as Record<string, unknown>;
  const keys = path.split('.');
  const last = keys.pop() ?? '';
  let at = json;
  for (const key of keys) at = at[key] as Record<string, unknown>;
  at[last] = value;
  return JSON.stringify(json);
}

describe('the metadata document', () => {
  test.each<[string, CheckpointDocument]>([
    ['official ratios', document],
    ['dense', { ...document, sparsity: null }],
    ['clean', { ...document, sparsity: uniformSparsity(tiny, 0.6) }],
    ['thresholds', { ...document, sparsity: { thresholds: [0.5, null, 2], ...sparsityModes.clean } }],
  ])('%s comes back', (_, value) => {
    expect(readDocument(writeDocument(value))).toEqual(value);
  });

  test.each<[string, unknown, string]>([
    ['version', 2, 'version 1, got 2'],
    ['version', '1', 'version 1, got 1'],
    ['version', undefined, 'the fields version, architecture, family, sparsity'],
    ['extra', 1, 'the document to have the fields'],
    ['family', 'swin', 'family to be one of microsoft'],
    ['family', 'toString', 'family to be one of'],
    ['architecture', null, 'architecture to be an object, got null'],
    ['architecture', [], 'architecture to be an object, got a list'],
    ['architecture.embedDim', '96', 'embedDim to be a number, got 96'],
    ['architecture.embedDim', 0, 'embedDim to be an integer of at least 1'],
    ['architecture.embedDim', Number.NaN, 'embedDim to be a number, got null'],
    ['architecture.depths', 2, 'depths to be a list, got 2'],
    ['architecture.depths', [2, 1], 'one head count per stage'],
    ['architecture.depths', [2, null, 1], 'depths[1] to be a number'],
    ['architecture.heads', [1, 3, 2], 'heads of stage 1 to divide'],
    ['architecture.swinVersion', 2, 'architecture to have the fields'],
    ['sparsity', 0.6, 'sparsity to be an object'],
    ['sparsity.prunedRatios', [[0.3], [0]], 'expected 3 stages'],
    ['sparsity.prunedRatios', [[0.3, 0.3], [0], [0]], 'expected 1 ratio in stage 0'],
    ['sparsity.prunedRatios', [[0.99], [0], [0]], 'ratios from 0 to 0.95'],
    ['sparsity.prunedRatios', [['0.3'], [0], [0]], 'prunedRatios[0][0] to be a number'],
    ['sparsity.prunedRatios', [0.3, 0, 0], 'prunedRatios[0] to be a list'],
    ['sparsity.score', 'l3', 'score to be one of l1-mean, l2, got l3'],
    ['sparsity.rounding', null, 'rounding to be one of'],
    ['sparsity.minKept', -1, 'minKept to be a whole number'],
    ['sparsity.thresholds', [1, 1, 1], 'sparsity to have the fields thresholds'],
    ['sparsity.note', 'x', 'sparsity to have the fields prunedRatios'],
  ])('%s = %j is refused', (path, value, message) => {
    expect(() => readDocument(changed(path, value))).toThrow(CheckpointError);
    expect(() => readDocument(changed(path, value))).toThrow(message);
  });

  test.each(['', 'null', '[]', '{', '{"version":1,"version":1}', '{"__proto__":{}}'])('%s is refused', (text) => {
    expect(() => readDocument(text)).toThrow(CheckpointError);
  });
});
