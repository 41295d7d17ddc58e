import type { PolicyRecord } from './policy-cells.js';
import { PRICE } from './policy-cells.js';
import { markdownTable } from './render-page.js';
import { type Mean, meanOf, showMean } from './summary.js';

export const pricedValue = ({ utility, kl }: PolicyRecord): number => utility - PRICE * kl;

/** A record of one policy and seed. */
export interface Planned {
  readonly plan: string;
  readonly seed: number;
}

/** Records by plan, in the order of their first. */
export function byPlan<R extends Planned>(records: readonly R[]): ReadonlyMap<string, readonly R[]> {
  const plans = new Map<string, R[]>();
  for (const record of records) {
    const own = plans.get(record.plan);
    if (own === undefined) plans.set(record.plan, [record]);
    else own.push(record);
  }
  return plans;
}

/** The paired difference of a figure: one plan less another, over the seeds that both have. */
export function paired<R extends Planned>(
  records: readonly R[],
  plan: string,
  other: string,
  figure: (record: R) => number,
): Mean {
  const theirs = new Map(records.filter((r) => r.plan === other).map((r) => [r.seed, figure(r)]));
  return meanOf(
    records.flatMap((r) => (r.plan === plan && theirs.has(r.seed) ? [figure(r) - theirs.get(r.seed)!] : [])),
  );
}

export const figures: Readonly<Record<string, (record: PolicyRecord) => number>> = {
  agreement: ({ utility }) => utility,
  'KL to the log': ({ kl }) => kl,
  [`value (agreement - ${PRICE} KL)`]: pricedValue,
  'opinion entropy': ({ independent }) => independent.classEntropy,
  'worst group': ({ worstGroup }) => worstGroup,
  'distinct bigrams': ({ independent }) => independent.distinctBigrams,
  'self-BLEU': ({ independent }) => independent.selfBleu,
  'win rate': ({ independent }) => independent.winRate,
};

/** A row a plan, means with their intervals over the seeds. */
export const planTable = <R extends Planned>(
  records: readonly R[],
  columns: Readonly<Record<string, (record: R) => number>>,
): string =>
  markdownTable(
    ['policy', ...Object.keys(columns)],
    [...byPlan(records)].map(([plan, own]) => [
      plan,
      ...Object.values(columns).map((figure) => showMean(meanOf(own.map(figure)))),
    ]),
  );

export const policyTable = (records: readonly PolicyRecord[], names: readonly string[]): string =>
  planTable(records, Object.fromEntries(names.map((name) => [name, figures[name]!])));
