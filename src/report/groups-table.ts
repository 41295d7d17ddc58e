import type { GroupsResult } from '../pope/index.js';
import { formatCount, formatEstimate, formatInterval, formatNumber } from './format.js';
import type { Section } from './html.js';
import type { TargetResult } from './result.js';
import type { Table } from './table.js';

/** The estimator by which groups are shown: snips where there is one, else the first that there is. */
function shownBy({ groups }: GroupsResult): string | undefined {
  const keys = Object.values(groups).flatMap((group) => Object.keys(group.utility));
  return keys.includes('snips') ? 'snips' : keys[0];
}

/** A target's utility among each group of raters, by one estimator; null where no group has an estimate. */
export function groupsTable(
  result: GroupsResult,
): { readonly title: string; readonly table: Table; readonly worst: string } | null {
  const key = shownBy(result);
  if (key === undefined) return null;
  const names = Object.keys(result.groups);
  const rows = Object.entries(result.groups).map(([name, group]) => {
    const own = group.utility[key];
    const gain = group.versus_logging.utility[key];
    return [
      name,
      formatCount(group.rounds),
      formatEstimate(own?.estimate, own?.lower, own?.upper),
      formatInterval(own?.lower, own?.upper),
      formatEstimate(gain?.estimate, gain?.lower, gain?.upper),
      formatInterval(gain?.lower, gain?.upper),
      group.verdict.level,
    ];
  });
  const worst = result.worst.utility[key];
  return {
    title: `utility of ${names.length === 1 ? 'one group' : `${names.length} groups`} of raters by ${key} (${formatNumber(100 * result.level, 4)}% intervals, which hold together across groups in each column)`,
    table: {
      columns: ['group', 'rounds', 'estimate', 'interval', 'versus logging', 'its interval', 'verdict'],
      rows,
    },
    worst: `least estimate: ${worst?.group ?? 'unknown'}; the least value of any group lies in ${formatInterval(worst?.lower, worst?.upper)}`,
  };
}

/** The groups of all targets; null where the log has none. */
export function groupsSection(targets: readonly [string, TargetResult][]): Section | null {
  const blocks = targets.flatMap(([name, { groups }]) => {
    const shown = groups === undefined ? null : groupsTable(groups);
    if (shown === null) return [];
    return [{ paragraphs: [`${name}: ${shown.title}; ${shown.worst}.`] }, { table: shown.table }];
  });
  return blocks.length === 0 ? null : { heading: 'Groups of raters', blocks };
}
