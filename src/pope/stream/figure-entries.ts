import type { Warning } from '../../ope/index.js';
import type { Interval } from '../../stats/index.js';
import { PopeError } from '../../util/index.js';
import type { EstimatorKey } from '../estimator-keys.js';
import { guaranteeOf, withoutGuarantee } from '../guarantee.js';
import { type Component, components, type EstimateEntry, type TargetResult } from '../result.js';
import { type FigureRecord, figureLogSmoothing, figureT } from './figure-record.js';
import type { StreamRecord } from './stream-record.js';
import type { StreamSettings } from './stream-settings.js';
import type { FiguresByKey } from './target-record.js';
import { wholeKeys } from './whole-keys.js';

type Entries = Record<Component, Record<string, EstimateEntry>>;
type TargetEntries = Pick<TargetResult, Component | 'versus_logging'>;

const nothing: EstimateEntry = { estimate: null, std_error: null, lower: null, upper: null };
const finiteOrNull = (x: number): number | null => (Number.isFinite(x) ? x : null);

/** All estimates with their intervals, as `evaluate` places them; what has none is null, with a warning. */
export function figureEntries(
  record: StreamRecord,
  settings: StreamSettings,
  warnings: Warning[],
): { logging: Record<Component, EstimateEntry | null>; targets: Record<string, TargetEntries> } {
  const without: { path: string; reason: string }[] = [];
  const undefinedPaths: string[] = [];
  let figures = 0;
  const entryOf = (figure: FigureRecord, path: string, key = 'ips'): EstimateEntry => {
    figures++;
    const { estimate, stdError, lower, upper } = intervalOf(figure, key, settings, (reason) =>
      without.push({ path, reason }),
    );
    if (!Number.isFinite(estimate)) undefinedPaths.push(path);
    return {
      estimate: finiteOrNull(estimate),
      std_error: finiteOrNull(stdError),
      lower: finiteOrNull(lower),
      upper: finiteOrNull(upper),
    };
  };
  // an estimator that some part of the log lacked the inputs of is none of the whole log
  const whole = (keys: readonly EstimatorKey[], figures: FiguresByKey) =>
    keys.flatMap((key) => (figures[key]?.rounds === record.rounds ? [[key, figures[key]] as const] : []));

  const logging: Record<Component, EstimateEntry | null> = { utility: null, diversity: null, value: null };
  for (const c of components) {
    const figure = record.logging[c];
    if (figure !== null && figure.rounds === record.rounds) logging[c] = entryOf(figure, `logging.${c}`);
  }
  const targets: Record<string, TargetEntries> = {};
  for (const [name, target] of Object.entries(record.targets)) {
    const own: Entries = { utility: {}, diversity: {}, value: {} };
    const keys = wholeKeys(record, settings, name);
    const versus: Entries = { utility: {}, diversity: {}, value: {} };
    for (const c of components) {
      const differences = new Map<string, FigureRecord>(whole(keys, target.versus[c]));
      for (const [key, figure] of whole(keys, target.own[c])) {
        if (figure.overflow !== null) {
          const message = `${name}: ${c}.${key} is beyond float64 in round ${figure.overflow}; it is null.`;
          warnings.push({ code: 'overflow', message });
          own[c][key] = nothing;
          continue;
        }
        own[c][key] = entryOf(figure, `${name}: ${c}.${key}`, key);
        const difference = differences.get(key);
        if (difference !== undefined) versus[c][key] = entryOf(difference, `${name}: versus_logging.${c}.${key}`, key);
      }
    }
    targets[name] = { ...own, versus_logging: versus };
  }
  if (without.length > 0) {
    const message = `${settings.interval} has no interval for ${without.length} of ${figures} figures, whose bounds are null; the first, ${without[0].path}: ${without[0].reason}`;
    warnings.push({ code: 'no_interval', message });
  }
  if (undefinedPaths.length > 0) {
    const message = `${undefinedPaths.length} figures have no finite estimate (all weights 0, or sums beyond float64) and are null; the first, ${undefinedPaths[0]}.`;
    warnings.push({ code: 'undefined_estimate', message });
  }
  return { logging, targets };
}

function intervalOf(
  figure: FigureRecord,
  key: string,
  settings: StreamSettings,
  refused: (reason: string) => void,
): Interval {
  const { interval, level, intervalLambda } = settings;
  // null of interval t
  if (intervalLambda === null) return figureT(figure, level);
  try {
    if (guaranteeOf(key, 0) === 'none') throw new PopeError(withoutGuarantee(interval), { argument: 'interval' });
    return figureLogSmoothing(figure, level, intervalLambda);
  } catch (error) {
    if (!(error instanceof PopeError)) throw error;
    refused(error.message);
    return { ...figureT(figure, level), lower: Number.NaN, upper: Number.NaN };
  }
}
