export { runCli } from './cli';
export type { CliIo, MachineFacts } from './io';
export { createTerminal, runProgram } from './terminal';
