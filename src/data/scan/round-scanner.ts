import { checkDistribution, checkSampling } from '../check-round.js';
import { type Column, push } from '../columns.js';
import type { RoundSink } from '../log-builder.js';
import type { LogColumns } from '../log-columns.js';
import type { Report } from '../place.js';
import { CLOSE, isNull, isWord, NEWLINE, OPEN, QUOTE, skipBlank, skipComma, skipValue, wordOf } from './json-bytes.js';
import type { LineBlock } from './line-blocks.js';
import { createResponseReader } from './response-reader.js';
import { createValueReader } from './value-reader.js';

/** Reads rounds out of bytes straight into columns. */
export interface RoundScanner {
  /**
   * Takes the round on the line that begins at `start` and gives the position after the line. -1, and nothing is changed,
   * where the round is unusual or wrong, or the first to name a signal or target: `JSON.parse` and `checkRound` must see it.
   * `wide`: bytes less UTF-16 units of all before `start`; afterwards `scanner.wide` is that of the next line.
   */
  take(sink: RoundSink, block: LineBlock, start: number, wide: number, line: number): number;
  /**
   * The cluster of the round on that line, '' without one; null where only `JSON.parse` can tell.
   */
  cluster(block: LineBlock, start: number, wide: number): string | null;
  /** See `take`; meaningful after a line that was taken. */
  readonly wide: number;
}

const KEYS = [
  'id',
  'prompt',
  'responses',
  'cluster',
  'predicted_value',
  'opinion_distribution',
  'sampling',
  'propensity_source',
].map(wordOf);
const [ID, PROMPT, RESPONSES, CLUSTER, PREDICTED_VALUE, DISTRIBUTION, SAMPLING] = KEYS.map((_, k) => k);
const FITTED = wordOf('"fitted"');
const LOGGED = wordOf('"logged"');

export function createRoundScanner(): RoundScanner {
  const values = createValueReader();
  const responses = createResponseReader(values);
  const { scan } = values;
  let bytes: Uint8Array = new Uint8Array(0);
  let columns: LogColumns;
  let unsound = false;
  const note: Report = () => {
    unsound = true;
  };

  /** The position after the round's last brace; its columns are complete then. */
  function readRound(at: number, { ids, idPrefix }: RoundSink, line: number): number {
    const row = columns.ids.length;
    let seen = 0;
    let id: string | undefined;
    let prompt: LogColumns['prompts'][number] | undefined;
    let cluster: string | undefined;
    let sampling: Readonly<Record<string, unknown>> | undefined;
    let distribution: Readonly<Record<string, number>> | undefined;
    let fitted = false;
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
        case ID:
          i = values.name(i, true);
          id = values.word;
          break;
        case PROMPT:
          if (bytes[i] === QUOTE) {
            i = values.string(i, false);
            prompt = values.word;
          } else {
            i = values.object(i);
            // finite and of bounded depth, or it would not have been read
            prompt = values.record;
          }
          break;
        case RESPONSES:
          i = responses.read(i);
          break;
        case CLUSTER:
          i = values.name(i);
          cluster = values.word;
          break;
        case PREDICTED_VALUE:
          i = values.numbers(i, columns.predictedValue, row, Infinity, Infinity);
          break;
        case DISTRIBUTION:
          i = values.object(i);
          if (values.record !== undefined) checkDistribution(values.record, note);
          distribution = values.record as Readonly<Record<string, number>> | undefined;
          break;
        case SAMPLING:
          i = values.object(i);
          if (values.record !== undefined) checkSampling(values.record, note);
          sampling = values.record;
          break;
        case -1:
          i = skipValue(bytes, i, scan);
          break;
        default:
          fitted = isWord(bytes, i, FITTED);
          i = fitted || isWord(bytes, i, LOGGED) ? i + FITTED.length : isNull(bytes, i) ? i + 4 : -1;
      }
      if (i < 0 || unsound) return -1;
      i = skipComma(bytes, i, CLOSE);
      if (i < 0) return -1;
    }
    const name = id ?? `${idPrefix}${line}`;
    if (prompt === undefined || (seen & (1 << RESPONSES)) === 0 || ids.has(name)) return -1;
    i = skipBlank(bytes, i + 1);
    if (bytes[i] !== NEWLINE) return -1;
    ids.add(name);
    columns.ids.push(name);
    columns.prompts.push(prompt);
    push(columns.lines, line);
    push(columns.ends, columns.responses.length);
    columns.distributions.push(distribution && Object.assign(Object.create(null), distribution));
    columns.sampling.push(sampling);
    if (fitted) columns.fitted = true;
    columns.clusters.push(cluster);
    return i + 1;
  }

  /** The cluster of the round that opens at `at`; null where it is unusual. */
  function readCluster(at: number): string | null {
    let seen = false;
    let cluster = '';
    let i = skipBlank(bytes, at + 1);
    while (bytes[i] !== CLOSE) {
      i = values.key(i, KEYS, CLUSTER);
      if (i < 0) return null;
      if (scan.key !== CLUSTER) i = skipValue(bytes, i, scan);
      else {
        if (seen) return null;
        seen = true;
        i = values.name(i);
        cluster = values.word ?? '';
      }
      if (i < 0) return null;
      i = skipComma(bytes, i, CLOSE);
      if (i < 0) return null;
    }
    return bytes[skipBlank(bytes, i + 1)] === NEWLINE ? cluster : null;
  }

  function open(block: LineBlock, wide: number): void {
    ({ bytes } = block);
    values.open(block);
    scan.wide = wide;
  }

  const scanner = {
    wide: 0,
    take(sink: RoundSink, block: LineBlock, start: number, wide: number, line: number): number {
      open(block, wide);
      const into = sink.columns;
      responses.open(block, into);
      columns = into;
      unsound = false;
      const rounds = into.ids.length;
      const said = into.responses.length;
      const propensities = into.propensities;
      const first = skipBlank(bytes, start);
      const next = bytes[first] === OPEN ? readRound(first, sink, line) : -1;
      if (next < 0) {
        truncateColumns(into, rounds, said);
        into.propensities = propensities;
      }
      scanner.wide = scan.wide;
      return next;
    },
    cluster(block: LineBlock, start: number, wide: number): string | null {
      open(block, wide);
      const first = skipBlank(bytes, start);
      return bytes[first] === OPEN ? readCluster(first) : null;
    },
  };
  return scanner;
}

/** Takes back what a line that was given up has written. */
function truncateColumns(columns: LogColumns, rounds: number, responses: number): void {
  const cut = (column: Column): void => {
    if (column.length > responses) column.length = responses;
  };
  if (columns.responses.length > responses) {
    columns.responses.length = responses;
    columns.opinions.length = responses;
    for (const column of [columns.logPropensity, columns.predictedReward, columns.positions]) cut(column);
  }
  for (const named of [columns.targets, columns.feedback, ...columns.groups.values()])
    for (const c of named.values()) cut(c);
  for (const column of columns.predictedValue.values()) if (column.length > rounds) column.length = rounds;
}
