import type { Log, Warning } from '../ope/index.js';
import type { Settings } from './evaluate-settings.js';
import { finishFigures } from './figures.js';
import { groupRows, groupsResult, pendingGroup, simultaneousLevel } from './groups.js';
import type { ScoredPolicy } from './log-diversity.js';
import type { GroupsResult } from './result.js';
import type { TunedParameters } from './tune.js';

/** Every target among every group of raters, with intervals that hold for all groups of a target together (T22). */
export function groupsByTarget(
  log: Log,
  policies: ReadonlyMap<string, ScoredPolicy>,
  settings: Settings,
  tunedOf: ReadonlyMap<string, TunedParameters>,
  warnings: Warning[],
): ReadonlyMap<string, GroupsResult> {
  const found = new Map<string, GroupsResult>();
  if (policies.size === 0) return found;
  const groups = groupRows(log, settings, warnings);
  if (groups.length === 0) return found;
  const level = simultaneousLevel(settings.level, groups.length);
  for (const [target, policy] of policies) {
    const results = groups.map((group) => {
      const pending = pendingGroup(group, target, policy, { ...settings, tuned: tunedOf.get(target) }, warnings);
      finishFigures(pending.figures, { ...settings, level }, pending.rows, warnings);
      return [group.name, pending.finish()] as const;
    });
    found.set(target, groupsResult(level, Object.fromEntries(results)));
  }
  return found;
}
