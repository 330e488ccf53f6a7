// What a sparse Swin-T costs at 672x672, in multiply-accumulates of the backbone: the sparsities of the paper, counted in both ways.
//
//   npm install @sparsevit/config @sparsevit/latency
//   node count-macs.mjs
import { parseSparsity, swinPreset } from '@sparsevit/config/presets';
import { countMacs } from '@sparsevit/latency';

const architecture = swinPreset('swin-t');
const size = { height: 672, width: 672 };
const gmacs = (sparsity, accounting) => countMacs(architecture, { ...size, sparsity, accounting }).totalMacs / 1e9;
const dense = gmacs(null, 'fair');

console.log('sparsity         published  fair  of dense');
for (const notation of ['0', '.3|0|.1,.2,.2|0', '.6|0|.2,.4,.5|0', '.7|0|.2,.4,.5|0', '.6']) {
  const sparsity = parseSparsity(notation, architecture, 'official'); // the published code's rounding
  const fair = gmacs(sparsity, 'fair');
  const cells = [gmacs(sparsity, 'published').toFixed(2), fair.toFixed(2), `${Math.round((100 * fair) / dense)} %`];
  console.log(notation.padEnd(16), cells[0].padStart(9), cells[1].padStart(6), cells[2].padStart(7));
}
