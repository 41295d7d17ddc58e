import { invalid } from '../../util/index.js';
import type { FigureRecord } from './figure-record.js';
import {
  bool,
  dictionary,
  float64s,
  integer,
  list,
  number,
  object,
  orNull,
  type Reader,
  text,
  writeNumbers,
} from './json-reader.js';
import type { StreamRecord } from './stream-record.js';
import type { Range, TargetRecord } from './target-record.js';
import type { VarianceRecord } from './variance-record.js';
import type { WeightRecord } from './weight-record.js';

const format = 'pope-stream-1';

/** A stream as JSON; numbers that JSON lacks are written as strings. */
export interface SavedStream {
  readonly format: string;
  /** The options that it was made with. */
  readonly fingerprint: string;
  readonly record: unknown;
}

export const savedStream = (fingerprint: string, record: StreamRecord): SavedStream => ({
  format,
  fingerprint,
  record: writeNumbers(record),
});

const range: Reader<Range> = (value, path) => {
  const [low, high, ...more] = list(number)(value, path);
  if (high === undefined || more.length > 0) throw invalid(path, value, 'two numbers, as `toJSON` writes them');
  return [low, high];
};
const moments = object({ rows: integer, high: float64s(14), low: float64s(14) });
const largest = object({ capacity: integer, count: integer, lowest: number, values: float64s() });
const figure: Reader<FigureRecord> = object({
  rounds: integer,
  sums: object({ exponent: integer, moments }),
  isRatio: bool,
  lowest: number,
  logs: number,
  overflow: orNull(text),
});
const figures = dictionary(figure);
const weights: Reader<WeightRecord> = object({
  count: integer,
  zero: integer,
  top: number,
  sum: number,
  squares: number,
  largest: list(object({ logRatio: number, id: text })),
  tail: largest,
  mean: orNull(moments),
});
const variance: Reader<VarianceRecord> = object({ top: number, z: number, v: number, second: number, tilted: number });
const byComponent = <T>(of: Reader<T>) => object({ utility: of, diversity: of, value: of });
const target: Reader<TargetRecord> = object({
  rounds: integer,
  own: byComponent(figures),
  versus: byComponent(figures),
  together: figures,
  responses: weights,
  slates: weights,
  rewarded: orNull(largest),
  diversityRange: orNull(range),
  variance: object({ utility: orNull(variance), value: orNull(variance) }),
});
const record: Reader<StreamRecord> = object({
  parts: integer,
  read: integer,
  rounds: integer,
  skipped: integer,
  dropped: integer,
  responses: integer,
  units: integer,
  clustered: bool,
  clusters: orNull(list(text)),
  fitted: bool,
  signals: list(text),
  rewardParts: integer,
  valueParts: dictionary(integer),
  utilityRange: range,
  warnings: dictionary(object({ message: text, parts: integer })),
  logging: byComponent(orNull(figure)),
  targets: dictionary(target),
});

/** The record of a saved stream. @throws PopeError where it is not one, naming the key. */
export function readRecord(saved: unknown): { fingerprint: string; record: StreamRecord } {
  const read = object({ format: text, fingerprint: text, record })(saved, 'stream');
  if (read.format !== format) throw invalid('stream.format', read.format, `"${format}"`);
  return read;
}
