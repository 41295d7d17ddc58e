import type { Entry } from './entries.js';
import { type Chunks, lineBatches } from './lines.js';
import type { Place } from './place.js';

/**
 * The rounds of JSON text: one object a line, or (`whole`) one array of objects, which is parsed in one piece.
 * Blank lines are passed over. Repeated keys: the last counts, as JSON.parse has it.
 */
export async function* jsonEntries(chunks: Chunks, file: string, whole: boolean): AsyncGenerator<Entry[]> {
  if (whole) {
    let text = '';
    for await (const chunk of chunks) text += chunk;
    yield arrayEntries(text, file);
    return;
  }
  let line = 0;
  for await (const lines of lineBatches(chunks, file)) {
    const batch: Entry[] = [];
    for (const text of lines) {
      const entry = lineEntry(text, file, ++line);
      if (entry !== null) batch.push(entry);
    }
    yield batch;
  }
}

function arrayEntries(text: string, file: string): Entry[] {
  const all = parseEntry(text, { file, unit: 'line', line: 1 }, 'an array of JSON objects, or one object a line');
  if (all.malformed !== undefined || !Array.isArray(all.value)) return [all];
  return all.value.map((value, i) => ({ place: { file, unit: 'record', line: i + 1 }, value, malformed: undefined }));
}

/** The round on a line; null where it is blank. */
export function lineEntry(text: string, file: string, line: number): Entry | null {
  return text.trim() === '' ? null : parseEntry(text, { file, unit: 'line', line }, 'one JSON object a line');
}

export function parseEntry(text: string, place: Place, expected: string): Entry {
  try {
    return { place, value: JSON.parse(text), malformed: undefined };
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    const hint = /[:[,]\s*-?(NaN|Infinity|inf|nan)\b/.test(text)
      ? ' JSON has no NaN and no Infinity: leave a missing number out, and write null for a target_log_prob of -Infinity.'
      : '';
    return { place, value: undefined, malformed: `is not valid JSON (${why}); expected ${expected}.${hint}` };
  }
}
