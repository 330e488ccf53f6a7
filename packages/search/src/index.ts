export { createSearch } from './search';
