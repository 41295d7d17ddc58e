import { seriesPanels } from '../report/index.js';
import { KINDS } from './ablation-plans.js';
import { byPlan, type Planned } from './policy-tables.js';
import { barOf, meanOf } from './summary.js';

/** A curve over tau for each kind of diversity, one panel a figure of the records. */
export function tauPanels<R extends Planned>(
  title: string,
  records: readonly R[],
  taus: readonly number[],
  panels: readonly (readonly [title: string, axis: string, figure: (record: R) => number])[],
): string {
  const have = byPlan(records);
  return seriesPanels({
    title,
    xAxis: 'tau',
    xPowers: true,
    referenceLabel: 'logging policy',
    panels: panels.map(([title, axis, figure]) => ({
      title,
      axis,
      series: KINDS.map((kind) => ({
        name: kind,
        points: taus.map((tau) => {
          const m = meanOf(have.get(`${kind}, tau ${tau}`)!.map(figure));
          return { x: Math.log10(tau), y: m.mean, ...barOf(m) };
        }),
      })),
      reference: meanOf(have.get('logging')!.map(figure)).mean,
    })),
  });
}
