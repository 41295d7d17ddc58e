import { invalid } from '../util/index.js';

/**
 * What to call the files of one log together.
 * @throws PopeError where there is none, or one is named twice: its rounds would count twice.
 */
export function nameOfAll(files: readonly string[]): string {
  if (files.length === 0) throw invalid('the files of the log', files, 'at least one');
  const twice = files.find((file, k) => files.indexOf(file) < k);
  if (twice !== undefined) throw invalid('a file of the log', twice, 'each file once', 'It is named twice.');
  return files.length === 1 ? files[0] : `the log of ${files.length} files`;
}
