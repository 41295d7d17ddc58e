import { PopeError } from '../util/index.js';
import type { Entry } from './entries.js';

type Fields = Record<string, unknown>;
/** Puts one cell that is not empty where it belongs. */
type Setter = (round: Fields, response: Fields, cell: string) => void;

const ROUND_TEXT = ['id', 'cluster'];
const ROUND_NUMBERS = ['predicted_value', 'opinion_distribution', 'sampling'];
const RESPONSE_NUMBER = ['log_propensity', 'propensity', 'target_log_prob', 'predicted_reward', 'position'];
const RESPONSE_NUMBERS = ['target_log_prob', 'feedback'];
const PREFERENCE_TEXT = ['completion', 'chosen', 'rejected'];

/** Turns the rows of a flat table into rounds. */
export interface RowGrouper {
  /** cells: as many as the header has; line: where the row begins. */
  add(cells: readonly string[], line: number): void;
  finish(): Entry[];
}

interface Group {
  readonly round: Fields;
  readonly responses: Fields[];
  readonly rows: number[];
  malformed: string | undefined;
}

/**
 * Rows with one id are one round (adjacent or not); a row without id is a round of its own. Columns: `id`, `prompt`
 * (a JSON object in the cell is a feature record), `response`, `log_propensity`, `propensity`, `target_log_prob`,
 * `target_log_prob.NAME`, `feedback.NAME`, `opinion`, `predicted_reward`, `predicted_value.NAME`, `position`,
 * `cluster`, `opinion_distribution.CLASS`, `group_feedback.GROUP.NAME`, `sampling.NAME`, or those of a preference set.
 * An empty cell is missing (so is `null` in a column of numbers). What belongs to the round may stand on any of its
 * rows and must not differ between them. Columns of other names are kept, as text, on the response.
 * @throws PopeError where the header names a column twice or lacks those of a log.
 */
export function createRowGrouper(header: readonly string[], file: string): RowGrouper {
  const names = header.map((name) => name.trim());
  checkHeader(names, file);
  const isPreference = !names.includes('response');
  const setters = names.map(setterFor);
  const groups = new Map<string, Group>();
  const alone: Group[] = [];
  const idColumn = names.indexOf('id');

  const groupOf = (cells: readonly string[]): Group => {
    const id = idColumn < 0 ? '' : (cells[idColumn] ?? '');
    const known = id === '' || isPreference ? undefined : groups.get(id);
    if (known !== undefined) return known;
    const group: Group = { round: emptyFields(), responses: [], rows: [], malformed: undefined };
    if (id !== '' && !isPreference) groups.set(id, group);
    alone.push(group);
    return group;
  };

  return {
    add(cells, line) {
      const group = groupOf(cells);
      const response = emptyFields();
      const round = emptyFields();
      if (isPreference) round['prompt'] = '';
      else response['text'] = '';
      if (cells.length !== names.length) {
        group.malformed ??= `has ${cells.length} cells${group.rows.length === 0 ? '' : ` in its row on line ${line}`}; expected ${names.length}, as in the header.`;
      } else {
        for (let k = 0; k < names.length; k++) if (cells[k] !== '') setters[k](round, response, cells[k]);
      }
      const conflict = mergeInto(group.round, round);
      if (conflict !== undefined) {
        group.malformed ??= `${conflict} differs on line ${line} from an earlier row of the same id; expected one value in a round.`;
      }
      group.responses.push(response);
      group.rows.push(line);
    },
    finish: () => alone.map((group) => finishGroup(group, isPreference, file)),
  };
}

function finishGroup({ round, responses, rows, malformed }: Group, isPreference: boolean, file: string): Entry {
  if (isPreference)
    return { place: { file, unit: 'line', line: rows[0] }, value: { ...round, ...responses[0] }, malformed };
  const prompt = round['prompt'] ?? '';
  return { place: { file, unit: 'line', line: rows[0], rows }, value: { ...round, prompt, responses }, malformed };
}

function checkHeader(names: readonly string[], file: string): void {
  const refuse = (sentence: string) => {
    throw new PopeError(`${file} line 1: ${sentence}`, { code: 'bad_log', file, line: 1 });
  };
  const twice = names.find((name, k) => names.indexOf(name) !== k);
  if (twice !== undefined) refuse(`the header names ${JSON.stringify(twice)} twice; expected each column once.`);
  const has = (...needed: string[]) => needed.every((name) => names.includes(name));
  if (has('prompt', 'response') || has('prompt', 'completion') || has('prompt', 'chosen', 'rejected')) return;
  const shown = names.length > 12 ? `${names.slice(0, 12).join(', ')}, ...` : names.join(', ');
  refuse(
    `the header is ${JSON.stringify(shown)}; expected the columns prompt and response ` +
      '(or prompt and completion; or prompt, chosen and rejected).',
  );
}

function setterFor(name: string): Setter {
  const dot = name.indexOf('.');
  const head = dot < 0 ? name : name.slice(0, dot);
  const rest = dot < 0 ? '' : name.slice(dot + 1);
  if (dot < 0) {
    if (name === 'prompt') return (round, _, cell) => (round['prompt'] = structured(cell));
    if (name === 'response') return (_, response, cell) => (response['text'] = cell);
    if (ROUND_TEXT.includes(name)) return (round, _, cell) => (round[name] = cell);
    if (RESPONSE_NUMBER.includes(name)) return (_, response, cell) => setDefined(response, name, number(cell));
    if (PREFERENCE_TEXT.includes(name)) return (_, response, cell) => (response[name] = structured(cell));
    if (name === 'label') return (_, response, cell) => setDefined(response, name, label(cell));
  } else if (ROUND_NUMBERS.includes(head)) {
    return (round, _, cell) => setDefined(nested(round, head), rest, number(cell));
  } else if (RESPONSE_NUMBERS.includes(head)) {
    return (_, response, cell) => setDefined(nested(response, head), rest, number(cell));
  } else if (head === 'group_feedback' && rest.includes('.')) {
    const group = rest.slice(0, rest.indexOf('.'));
    const signal = rest.slice(group.length + 1);
    return (_, response, cell) => setDefined(nested(nested(response, head), group), signal, number(cell));
  }
  return (_, response, cell) => (response[name] = cell);
}

/** Objects without prototype: a column may have any name, `__proto__` too. */
function emptyFields(): Fields {
  return Object.create(null) as Fields;
}

function nested(fields: Fields, key: string): Fields {
  return (fields[key] ??= emptyFields()) as Fields;
}

function setDefined(fields: Fields, key: string, value: unknown): void {
  if (value !== undefined) fields[key] = value;
}

/** Adds what is new; returns the name of the first field on which the two differ. */
function mergeInto(round: Fields, more: Fields): string | undefined {
  for (const key of Object.keys(more)) {
    if (round[key] === undefined) round[key] = more[key];
    else if (round[key] !== more[key]) {
      const [a, b] = [round[key], more[key]];
      if (typeof a !== 'object' || typeof b !== 'object') return key;
      if (ROUND_NUMBERS.includes(key)) {
        const inside = mergeInto(a as Fields, b as Fields);
        if (inside !== undefined) return `${key}.${inside}`;
      } else if (JSON.stringify(a) !== JSON.stringify(b)) return key;
    }
  }
  return undefined;
}

/** What is no number stays text, for the check to name. */
function number(cell: string): unknown {
  const text = cell.trim();
  if (text === '' || text === 'null') return undefined;
  if (/^[+-]?inf$/i.test(text)) return text.startsWith('-') ? -Infinity : Infinity;
  if (/^nan$/i.test(text)) return NaN;
  if (text.startsWith('[')) return structured(text);
  const value = Number(text);
  return Number.isNaN(value) ? cell : value;
}

function label(cell: string): unknown {
  return /^(true|false)$/i.test(cell.trim()) ? cell.trim().toLowerCase() === 'true' : number(cell);
}

/** A cell that is a JSON object or array is that; any other is its text. */
function structured(cell: string): unknown {
  if (!/^\s*[[{]/.test(cell)) return cell;
  try {
    const value: unknown = JSON.parse(cell);
    return Array.isArray(value) && !value.every((item) => typeof item === 'number' || isMessage(item)) ? cell : value;
  } catch {
    return cell;
  }
}

function isMessage(value: unknown): boolean {
  return typeof value === 'object' && value !== null && 'role' in value && 'content' in value;
}
