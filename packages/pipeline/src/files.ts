export { inputError, printable, quote } from './node/errors';
export { checkInputFile, checkOutputFile, outputPaths, readInputFile, reasonOf, writeOutputFile } from './node/files';
export { parseJson, readJsonFile } from './node/json';
