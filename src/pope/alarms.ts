/** The three ways in which training on a log is known to go wrong, watched on held-out rounds. */
export type AlarmCode = 'weights' | 'diversity_hacking' | 'general_ability';

export interface Alarm {
  readonly code: AlarmCode;
  readonly message: string;
}

/** Held-out figures of one policy. */
export interface HeldOutFigures {
  /** Self-normalised estimate of the utility, and its standard error. */
  readonly utility: number | null;
  readonly utilityError: number | null;
  readonly diversity: number | null;
  /** null where the log has no propensities. */
  readonly effectiveSampleSize: number | null;
  readonly responses: number;
  readonly meanWeight: number | null;
  /** Estimate of KL(pi||pi0), nats. */
  readonly kl: number | null;
  /** Loss of held-out text in nats a token: general ability, lower is better. */
  readonly textLoss: number | null;
}

export interface AlarmLimits {
  /** Effective sample size over responses below which the held-out log can no longer judge the policy. */
  readonly effectiveShare: number;
  /** Mean weight on held-out rounds below and above which they are no sample of the policy. */
  readonly meanWeight: readonly [number, number];
  /** Relative rise of the held-out text loss. */
  readonly textLossRise: number;
}

export const defaultAlarmLimits: AlarmLimits = { effectiveShare: 0.1, meanWeight: [0.5, 2], textLossRise: 0.1 };

/**
 * Alarms of a policy against the one that training started from: the weights carry no evidence any more; diversity rose
 * while utility fell by more than two standard errors (the diversity term was hacked); held-out text got less likely.
 */
export function alarms(start: HeldOutFigures, now: HeldOutFigures, limits: AlarmLimits = defaultAlarmLimits): Alarm[] {
  const found: Alarm[] = [];
  const share = now.effectiveSampleSize === null ? null : now.effectiveSampleSize / now.responses;
  if (share !== null && share < limits.effectiveShare) {
    found.push({
      code: 'weights',
      message: `the effective sample size on held-out rounds is ${(100 * share).toFixed(1)} % of ${now.responses} responses, below ${100 * limits.effectiveShare} %: the log can no longer judge this policy.`,
    });
  }
  const { meanWeight } = now;
  if (meanWeight !== null && (meanWeight < limits.meanWeight[0] || meanWeight > limits.meanWeight[1])) {
    found.push({
      code: 'weights',
      message: `the mean weight on held-out rounds is ${meanWeight.toPrecision(3)}, far from 1: most of what this policy says is not in the log.`,
    });
  }
  if (start.utility !== null && now.utility !== null && start.diversity !== null && now.diversity !== null) {
    const fall = start.utility - now.utility;
    const error = Math.hypot(start.utilityError ?? 0, now.utilityError ?? 0);
    if (now.diversity > start.diversity && fall > 2 * error) {
      found.push({
        code: 'diversity_hacking',
        message: `diversity rose by ${(now.diversity - start.diversity).toPrecision(3)} while utility fell by ${fall.toPrecision(3)}, more than 2 standard errors: lower tau.`,
      });
    }
  }
  if (start.textLoss !== null && now.textLoss !== null && now.textLoss > start.textLoss * (1 + limits.textLossRise)) {
    found.push({
      code: 'general_ability',
      message: `the loss of held-out text rose from ${start.textLoss.toFixed(3)} to ${now.textLoss.toFixed(3)} nats a token, more than ${100 * limits.textLossRise} %: the model forgets its language.`,
    });
  }
  return found;
}
