export * as backbone from '@sparsevit/backbone';
export * as config from '@sparsevit/config';
export * as data from '@sparsevit/data';
export * as latency from '@sparsevit/latency';
export * as ops from '@sparsevit/ops';
export * as windows from '@sparsevit/windows';
