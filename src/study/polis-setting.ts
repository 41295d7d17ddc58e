import { type DemoConversation, parseDemo } from '../data/index.js';
import { seededRandom } from '../random/index.js';
import type { FormSetting } from './diversity-forms.js';
import { type ChoiceContext, rowsOf } from './policy-training.js';
import { type DemoContext, type DemoRound, demoRecords, groupShares, polisProblem } from './polis-log.js';
import { type Truth, trueValue } from './polis-truth.js';

/** The Polis votes as a problem of choice: learn from some participants, choose by others, be judged by the rest. */
export interface PolisSetting extends FormSetting {
  readonly problemContexts: readonly DemoContext[];
  readonly judges: readonly DemoRound[];
  /** What the participants who judge, and nobody else, say of a policy. */
  truth(logProbs: readonly Float64Array[], tau: number): Truth;
}

const SLATE = 3;

/** @param pick the conversations of the problem; all unless said. */
export function polisSetting(
  json: string,
  seed: number,
  pick: (all: readonly DemoConversation[]) => readonly DemoConversation[] = (all) => all,
): PolisSetting {
  const problem = polisProblem(
    pick(parseDemo(JSON.parse(json))),
    { slate: SLATE, skew: 3, heldOutShare: 0.4, namedGroup: Number.POSITIVE_INFINITY },
    seededRandom(seed),
  );
  const contexts = problem.contexts.map(
    ({ prompt, conversation, logging }): ChoiceContext => ({
      prompt,
      logging,
      candidates: conversation.statements.map(({ text, opinion }) => ({ text, opinion })),
    }),
  );
  const seen = problem.rounds.filter(({ heldOut }) => !heldOut);
  const judges = problem.rounds.filter(({ heldOut }) => heldOut);
  const preferred = new Map(problem.contexts.map(({ prompt, conversation }) => [prompt, groupShares(conversation)]));
  const part = (keep: (i: number) => boolean) =>
    rowsOf(
      demoRecords(seen.filter((_, i) => keep(i))).map((record) => ({
        ...record,
        opinion_distribution: preferred.get(record['prompt'] as string),
      })),
      contexts,
    );
  return {
    contexts,
    weights: problem.contexts.map(
      (context) => judges.filter((round) => round.context === context).length / judges.length,
    ),
    preferred: [...preferred.values()],
    slate: SLATE,
    problemContexts: problem.contexts,
    judges,
    train: part((i) => i % 4 !== 0),
    valid: part((i) => i % 4 === 0),
    truth(logProbs, tau) {
      const of = new Map(problem.contexts.map((context, i) => [context, logProbs[i]!]));
      return trueValue(judges, (context) => of.get(context)!, tau, 'anchored');
    },
  };
}
