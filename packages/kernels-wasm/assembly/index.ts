export * from './activation';
export * from './attention';
export * from './attention-gradient';
export * from './dense';
export * from './gemm';
export * from './norm';
export * from './rows';
export * from './scores';
