import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { packParams, unpackParams } from '../../src/cli/demo/packed-params.js';
import { demoSetting, problemSettings } from '../../src/cli/demo/setting.js';
import { policyPlans, stepsOf } from '../../src/cli/demo/train-policies.js';
import { parseDemo } from '../../src/data/index.js';
import { gptConfig, initGpt } from '../../src/nn/index.js';
import { evaluate } from '../../src/pope/index.js';
import { seededRandom, uniform } from '../../src/random/index.js';
import { type DemoContext, demoRecords, largestGroup, polisProblem, promptOf } from '../../src/study/polis-log.js';
import { mostVoiced, trueValue } from '../../src/study/polis-truth.js';

const conversations = parseDemo(
  JSON.parse(readFileSync(join(import.meta.dirname, '../../data/polis-demo.json'), 'utf8')),
);
const problem = polisProblem(conversations, problemSettings, seededRandom(3));
const heldOut = problem.rounds.filter((round) => round.heldOut);

/** Some policy of every context, nowhere 0. */
function somePolicy(seed: number): (context: DemoContext) => Float64Array {
  const random = seededRandom(seed);
  const known = new Map<DemoContext, Float64Array>();
  return (context) => {
    const before = known.get(context);
    if (before !== undefined) return before;
    const mass = context.logging.map(() => 0.1 + uniform(random));
    const total = mass.reduce((sum, m) => sum + m, 0);
    const found = mass.map((m) => Math.log(m / total));
    known.set(context, found);
    return found;
  };
}

describe("the demo's log", () => {
  it('has every participant once, slates from a distribution, and one share of each conversation held out', () => {
    expect(problem.rounds.length).toBe(conversations.reduce((sum, { participants }) => sum + participants.length, 0));
    expect(new Set(problem.rounds.map(({ participant }) => participant)).size).toBe(problem.rounds.length);
    for (const { logging } of problem.contexts)
      expect(logging.reduce((sum, p) => sum + Math.exp(p), 0)).toBeCloseTo(1, 12);
    for (const conversation of conversations) {
      const own = problem.rounds.filter(({ context }) => context.conversation === conversation);
      const share = own.filter((round) => round.heldOut).length / own.length;
      expect(Math.abs(share - problemSettings.heldOutShare)).toBeLessThan(1 / own.length);
    }
  });

  it('favours the opinions of the largest group, and names a group only where it is large', () => {
    for (const { conversation, logging } of problem.contexts) {
      const mean = (own: boolean) => {
        const picked = logging.filter(
          (_, k) => (conversation.statements[k].opinion === largestGroup(conversation)) === own,
        );
        return picked.reduce((sum, p) => sum + p, 0) / picked.length;
      };
      expect(mean(true)).toBeGreaterThan(mean(false));
    }
    const named = problem.contexts.filter(({ prompt, conversation }) => prompt !== promptOf(conversation, null));
    expect(named.length).toBeGreaterThan(3);
    for (const { prompt, conversation } of named) {
      const group = conversation.groups.find((g) => promptOf(conversation, g) === prompt);
      const size = conversation.participants.filter((p) => p.group === group).length;
      expect(size).toBeGreaterThanOrEqual(problemSettings.namedGroup);
    }
  });

  it('is the same for the same seed, and the real votes stand in its records', async () => {
    const [one, two] = [await demoSetting(3), await demoSetting(3)];
    expect(one.heldOut.records).toEqual(two.heldOut.records);
    expect(demoRecords(heldOut)).toEqual(one.heldOut.records);
    const { participant, slate } = heldOut[0];
    const first = one.heldOut.log;
    slate.forEach((k, j) => {
      expect(first.feedback.get('agree')![j]).toBe(participant.votes[k] === 1 ? 1 : 0);
      expect(first.feedback.get('disagree')![j]).toBe(participant.votes[k] === -1 ? 1 : 0);
    });
  });
});

describe("the demo's truth", () => {
  const logProbs = somePolicy(7);
  const truth = trueValue(heldOut, logProbs, 0.5, 'anchored');

  it('is what importance weighting estimates without bias: the expectation over every statement, not over draws', () => {
    let expected = 0;
    for (const { context, participant } of heldOut) {
      context.logging.forEach((p0, k) => {
        const rho = Math.exp(logProbs(context)[k] - p0);
        expected += (Math.exp(p0) * rho * (participant.votes[k] === 1 ? 1 : 0)) / heldOut.length;
      });
    }
    expect(truth.utility).toBeCloseTo(expected, 12);
  });

  it('adds tau times minus the KL divergence, and of the logging policy nothing', () => {
    let kl = 0;
    for (const { context } of heldOut) {
      const p = logProbs(context);
      p.forEach((l, k) => {
        kl += (Math.exp(l) * (l - context.logging[k])) / heldOut.length;
      });
    }
    expect(truth.diversity).toBeCloseTo(-kl, 12);
    expect(truth.value).toBeCloseTo(truth.utility - 0.5 * kl, 12);
    const logging = trueValue(heldOut, ({ logging: own }) => own, 1, 'anchored');
    expect(Math.abs(logging.diversity)).toBe(0);
  });

  it('lies in the interval of the estimate for a policy near the log', async () => {
    const { heldOut: part, problem: own } = await demoSetting(3);
    const near = (context: DemoContext): Float64Array => {
      const raised = context.logging.map((p, k) => p + (k % 2 === 0 ? 0.3 : 0));
      const total = Math.log(raised.reduce((sum, p) => sum + Math.exp(p), 0));
      return raised.map((p) => p - total);
    };
    const contextOf = new Map(own.contexts.map((context) => [context.prompt, context]));
    const logProb = new Float64Array(part.log.responseCount);
    part.log.prompts.forEach((prompt, i) => {
      const context = contextOf.get(prompt as string)!;
      for (let j = part.log.offsets[i]; j < part.log.offsets[i + 1]; j++) {
        logProb[j] =
          near(context)[context.conversation.statements.findIndex(({ text }) => text === part.log.responses[j])];
      }
    });
    const { targets } = evaluate(part.log, {
      signals: [{ name: 'agree', transform: 'identity', weight: 1 }],
      diversity: 'anchored',
      tau: 0.5,
      level: 0.9999,
      targets: { near: { logProb } },
    });
    const exact = trueValue(
      own.rounds.filter((round) => round.heldOut),
      near,
      0.5,
      'anchored',
    );
    for (const component of ['utility', 'diversity', 'value'] as const) {
      const { lower, upper } = targets.near[component]['ips']!;
      expect(exact[component]).toBeGreaterThan(lower!);
      expect(exact[component]).toBeLessThan(upper!);
    }
    expect(targets.near.verdict).toEqual({ level: 'supported', reasons: [] });
  });

  it('counts opinion shares and coverage of a policy that voices one opinion only', () => {
    const single = ({ conversation, logging }: DemoContext): Float64Array => {
      const own = conversation.statements.map(({ opinion }) => opinion === largestGroup(conversation));
      const count = own.filter(Boolean).length;
      return logging.map((_, k) => (own[k] ? -Math.log(count) : -Infinity));
    };
    const found = trueValue(heldOut, single, 1, 'coverage');
    expect(found.coverage).toBeCloseTo(0, 12);
    expect(found.opinionShares.get(mostVoiced)).toBeCloseTo(1, 12);
    expect(found.worstGroupUtility).toBeLessThan(found.utility);
  });
});

describe("the demo's policies", () => {
  it('are the log, imitation, preference, each term alone and both, and all but the first share one budget', () => {
    const plans = policyPlans('anchored', 0.5);
    expect(plans.map(({ name }) => name)).toEqual([
      'sft',
      'dpo',
      'utility_only',
      'diversity_only',
      'pope',
      'pope_coverage',
    ]);
    expect(new Set(plans.slice(1).map(stepsOf)).size).toBe(1);
    expect(policyPlans('coverage', 1).map(({ name }) => name)).not.toContain('pope_coverage');
  });

  it('cross a thread without loss', () => {
    const config = gptConfig({ vocabSize: 9, blockSize: 4, nLayer: 1, nHead: 2, nEmbd: 4 });
    const params = initGpt(config, seededRandom(5));
    expect(packParams(unpackParams(config, packParams(params)))).toEqual(packParams(params));
  });
});
