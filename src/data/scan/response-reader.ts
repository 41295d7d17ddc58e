import { push, put } from '../columns.js';
import type { LogColumns } from '../log-columns.js';
import {
  CLOSE,
  CLOSE_LIST,
  isNull,
  OPEN,
  OPEN_LIST,
  skipBlank,
  skipColon,
  skipComma,
  skipValue,
  wordOf,
} from './json-bytes.js';
import type { LineBlock } from './line-blocks.js';
import { scanNumber } from './scan-number.js';
import type { ValueReader } from './value-reader.js';

const KEYS = [
  'text',
  'log_propensity',
  'target_log_prob',
  'feedback',
  'propensity',
  'opinion',
  'position',
  'predicted_reward',
  'group_feedback',
].map(wordOf);
const [TEXT, LOG_PROPENSITY, TARGET, FEEDBACK, PROPENSITY, OPINION, POSITION, PREDICTED_REWARD] = KEYS.map((_, k) => k);

/** Reads the list of a round's responses straight into columns. */
export interface ResponseReader {
  open(block: LineBlock, columns: LogColumns): void;
  /** The position after the list; -1 where a response is unusual or wrong, with some columns perhaps written to. */
  read(at: number): number;
}

export function createResponseReader(values: ValueReader): ResponseReader {
  const { scan } = values;
  const { number } = scan;
  let bytes: Uint8Array = new Uint8Array(0);
  let columns: LogColumns;

  function readLogPropensity(at: number): number {
    if (bytes[at] !== OPEN_LIST) return values.number(at);
    let sum = 0;
    let i = skipBlank(bytes, at + 1);
    for (;;) {
      i = scanNumber(bytes, i, number);
      if (i < 0 || !(number[0] <= 0)) return -1;
      sum += number[0];
      i = skipComma(bytes, i, CLOSE_LIST);
      if (i < 0) return -1;
      if (bytes[i] === CLOSE_LIST) break;
    }
    number[0] = sum;
    return Number.isFinite(sum) ? i + 1 : -1;
  }
  function readTarget(at: number, j: number): number {
    if (bytes[at] === OPEN) return values.numbers(at, columns.targets, j, 0, -Infinity);
    const end = values.number(at);
    const column = columns.targets.get('target');
    if (end < 0 || column === undefined || column.length > j || number[0] > 0) return -1;
    put(column, j, Number.isNaN(number[0]) ? -Infinity : number[0]);
    return end;
  }
  function readGroups(at: number, j: number): number {
    if (bytes[at] !== OPEN) return isNull(bytes, at) ? at + 4 : -1;
    let i = skipBlank(bytes, at + 1);
    while (bytes[i] !== CLOSE) {
      i = values.string(i, false);
      const signals = i < 0 ? undefined : columns.groups.get(values.word as string);
      if (signals === undefined) return -1;
      i = skipColon(bytes, i);
      if (i < 0) return -1;
      i = values.numbers(i, signals, j, Infinity, Number.NaN);
      if (i < 0) return -1;
      i = skipComma(bytes, i, CLOSE);
      if (i < 0) return -1;
    }
    return i + 1;
  }

  function readResponse(at: number): number {
    const j = columns.responses.length;
    let seen = 0;
    let said: string | undefined;
    let opinion: string | undefined;
    let logPropensity = Number.NaN;
    let reward = Number.NaN;
    let position = 0;
    let expected = 0;
    let i = skipBlank(bytes, at + 1);
    while (bytes[i] !== CLOSE) {
      i = values.key(i, KEYS, expected);
      if (i < 0) return -1;
      const key = scan.key;
      expected = key + 1;
      if (key >= 0 && (seen & (1 << key)) !== 0) return -1;
      if (key >= 0) seen |= 1 << key;
      switch (key) {
        case TEXT:
          i = values.string(i, false);
          said = values.word;
          break;
        case LOG_PROPENSITY:
        case PROPENSITY: {
          i = key === PROPENSITY ? values.number(i) : readLogPropensity(i);
          const value = number[0];
          if (Number.isNaN(value)) break;
          if (!Number.isNaN(logPropensity) || !(key === PROPENSITY ? value > 0 && value <= 1 : value <= 0)) return -1;
          logPropensity = key === PROPENSITY ? Math.log(value) : value;
          break;
        }
        case TARGET:
          i = readTarget(i, j);
          break;
        case FEEDBACK:
          i = values.numbers(i, columns.feedback, j, Infinity, Number.NaN);
          break;
        case OPINION:
          i = values.name(i);
          opinion = values.word;
          break;
        case POSITION:
          i = values.number(i);
          if (!Number.isNaN(number[0])) position = number[0];
          if (!(Number.isInteger(position) && position >= 0 && position < 2 ** 31) || number[0] === 0) return -1;
          break;
        case PREDICTED_REWARD:
          i = values.number(i);
          reward = number[0];
          break;
        case -1:
          i = skipValue(bytes, i, scan);
          break;
        default:
          i = readGroups(i, j);
      }
      if (i < 0) return -1;
      i = skipComma(bytes, i, CLOSE);
      if (i < 0) return -1;
    }
    if (said === undefined) return -1;
    columns.responses.push(said);
    push(columns.logPropensity, logPropensity);
    if (!Number.isNaN(logPropensity)) columns.propensities++;
    columns.opinions.push(opinion);
    push(columns.predictedReward, reward);
    push(columns.positions, position);
    return i + 1;
  }

  function readResponses(at: number): number {
    if (bytes[at] !== OPEN_LIST) return -1;
    let i = skipBlank(bytes, at + 1);
    for (;;) {
      if (bytes[i] !== OPEN) return -1;
      i = readResponse(i);
      if (i < 0) return -1;
      i = skipComma(bytes, i, CLOSE_LIST);
      if (i < 0) return -1;
      if (bytes[i] === CLOSE_LIST) return i + 1;
    }
  }

  return {
    open(block, into) {
      ({ bytes } = block);
      columns = into;
    },
    read: readResponses,
  };
}
