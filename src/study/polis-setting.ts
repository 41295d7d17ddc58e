import { type DemoConversation, parseDemo } from '../data/index.js';
import { seededRandom } from '../random/index.js';
import { type ChoiceContext, type PolicyData, rowsOf } from './policy-training.js';
import { type DemoContext, type DemoRound, demoRecords, polisProblem } from './polis-log.js';
import { type Truth, trueValue } from './polis-truth.js';

/** The Polis votes as a problem of choice: learn from some participants, choose by others, be judged by the rest. */
export interface PolisSetting extends PolicyData {
  readonly problemContexts: readonly DemoContext[];
  readonly judges: readonly DemoRound[];
  /** What the participants who judge, and nobody else, say of a policy. */
  truth(logProbs: readonly Float64Array[], tau: number): Truth;
}

/** @param pick the conversations of the problem; all unless said. */
export function polisSetting(
  json: string,
  seed: number,
  pick: (all: readonly DemoConversation[]) => readonly DemoConversation[] = (all) => all,
): PolisSetting {
  const problem = polisProblem(
    pick(parseDemo(JSON.parse(json))),
    { slate: 3, skew: 3, heldOutShare: 0.4, namedGroup: Number.POSITIVE_INFINITY },
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
  const part = (keep: (i: number) => boolean) => rowsOf(demoRecords(seen.filter((_, i) => keep(i))), contexts);
  return {
    contexts,
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
