export { fileJournal } from './node/file-journal';
