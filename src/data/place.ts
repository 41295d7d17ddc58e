import { show } from '../util/index.js';

/** Where a round stands in its source. */
export interface Place {
  readonly file: string;
  readonly unit: 'line' | 'record';
  /** 1-based number of the line (or record) at which the round begins. */
  readonly line: number;
  /** For flat tables, where every response has a line of its own: the line of each response. */
  readonly rows?: readonly number[];
}

/** Says what is wrong with one key of a round. `got` undefined reads as "is missing". */
export type Report = (path: string, got: unknown, expected: string, hint?: string) => void;

/** The sentence of a refusal: file, line, key, what was found, what was expected, a hint. */
export function refusal(place: Place, path: string, got: unknown, expected: string, hint = ''): string {
  const [line, key] = locate(place, path);
  return `${place.file} ${place.unit} ${line}: ${key} is ${found(got)}; expected ${expected}.${hint === '' ? '' : ` ${hint}`}`;
}

/** A sentence about a whole line. */
export function complaint(place: Place, sentence: string): string {
  return `${place.file} ${place.unit} ${place.line}: ${sentence}`;
}

/** In a flat table a response is a line: `responses[2].text` of a round is the cell `response` of that round's third line. */
function locate(place: Place, path: string): [number, string] {
  if (place.rows === undefined) return [place.line, path];
  const match = /^responses\[(\d+)\](?:\.(.*))?$/.exec(path);
  if (match === null) return [place.line, path];
  const key = match[2] ?? 'the row';
  return [place.rows[Number(match[1])] ?? place.line, key === 'text' ? 'response' : key];
}

/** `show`, safe on nested input of any depth. */
function found(value: unknown): string {
  if (value === undefined) return 'missing';
  if (!Array.isArray(value)) return show(value);
  if (value.length === 0) return 'an empty array';
  return value.some((item) => typeof item === 'object' && item !== null) ? `an array of ${value.length}` : show(value);
}
