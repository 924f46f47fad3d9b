/** Where the project's own files are (policy/, dist/): of the settings, this alone is for handlers. */
export { root } from '../config';
