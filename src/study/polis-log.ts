import type { DemoConversation, DemoParticipant } from '../data/polis-demo.js';
import type { Candidate } from '../ope/index.js';
import { categorical, normal, permutation, type Random } from '../random/index.js';

/** A context of the demo: a topic, or a topic seen by one group of voters (steerable pluralism). */
export interface DemoContext {
  readonly prompt: string;
  readonly conversation: DemoConversation;
  /** log pi0 over the conversation's statements. */
  readonly logging: Float64Array;
}

export interface DemoRound {
  readonly context: DemoContext;
  readonly participant: DemoParticipant;
  /** Indices of the statements shown, drawn from the context's logging policy. */
  readonly slate: readonly number[];
  readonly heldOut: boolean;
}

export interface DemoProblem {
  readonly contexts: readonly DemoContext[];
  readonly rounds: readonly DemoRound[];
  readonly candidates: ReadonlyMap<string, readonly Candidate[]>;
}

export interface DemoSettings {
  readonly slate: number;
  /** How many times likelier the logger shows an opinion of the largest group. */
  readonly skew: number;
  readonly heldOutShare: number;
  /** Smallest group that contexts name. */
  readonly namedGroup: number;
}

/**
 * The demo's log: one round a participant, a slate of the topic's statements drawn from a skewed logging policy that is
 * known exactly, and the participant's real votes on them. The context of every second participant of a large group
 * names the group as well.
 */
export function polisProblem(
  conversations: readonly DemoConversation[],
  settings: DemoSettings,
  random: Random,
): DemoProblem {
  const contexts = new Map<string, DemoContext>();
  const rounds: DemoRound[] = [];
  for (const conversation of conversations) {
    const logging = loggingPolicy(conversation, settings.skew, random);
    const order = permutation(random, conversation.participants.length);
    const size = groupSizes(conversation);
    const held = Math.round(conversation.participants.length * settings.heldOutShare);
    order.forEach((index, position) => {
      const participant = conversation.participants[index];
      const named = position % 2 === 1 && size.get(participant.group)! >= settings.namedGroup;
      const prompt = promptOf(conversation, named ? participant.group : null);
      const context = contexts.get(prompt) ?? { prompt, conversation, logging };
      contexts.set(prompt, context);
      const slate = Array.from({ length: settings.slate }, () => categorical(random, logging.map(Math.exp)));
      rounds.push({ context, participant, slate, heldOut: position < held });
    });
  }
  const candidates = new Map(
    [...contexts.values()].map(({ prompt, conversation }) => [
      prompt,
      conversation.statements.map(({ text, opinion }): Candidate => ({ text, opinion })),
    ]),
  );
  return { contexts: [...contexts.values()], rounds, candidates };
}

/** The context as text: the topic, and the group of voters it is for. */
export const promptOf = ({ topic }: DemoConversation, group: string | null): string =>
  group === null ? `${topic}: ` : `${topic}, voters of group ${group}: `;

/** How many participants each group has. */
function groupSizes({ participants }: DemoConversation): ReadonlyMap<string, number> {
  const size = new Map<string, number>();
  for (const { group } of participants) size.set(group, (size.get(group) ?? 0) + 1);
  return size;
}

/** The share of each group: what a fair mix of opinions would be, for opinions are named after groups. */
export function groupShares(conversation: DemoConversation): Readonly<Record<string, number>> {
  const all = conversation.participants.length;
  return Object.fromEntries([...groupSizes(conversation)].map(([group, size]) => [group, size / all]));
}

/** The letter of the group with the most participants. */
export const largestGroup = (conversation: DemoConversation): string =>
  [...groupSizes(conversation)].sort((a, b) => b[1] - a[1])[0][0];

/** Statements of the largest group's opinion are `skew` times likelier, with a fixed spread of half a nat on top. */
function loggingPolicy(conversation: DemoConversation, skew: number, random: Random): Float64Array {
  const largest = largestGroup(conversation);
  const scores = conversation.statements.map(
    ({ opinion }) => (opinion === largest ? Math.log(skew) : 0) + 0.5 * normal(random),
  );
  const top = Math.max(...scores);
  const total = scores.reduce((sum, s) => sum + Math.exp(s - top), 0);
  return Float64Array.from(scores, (s) => s - top - Math.log(total));
}

/** The rounds as the records of interface.md: votes as signals, opinions, exact propensities. */
export function demoRecords(rounds: readonly DemoRound[]): Record<string, unknown>[] {
  return rounds.map(({ context, participant, slate }, i) => ({
    id: `participant-${i + 1}`,
    prompt: context.prompt,
    responses: slate.map((k) => {
      const { text, opinion } = context.conversation.statements[k];
      const vote = participant.votes[k];
      return {
        text,
        log_propensity: context.logging[k],
        feedback: { agree: vote === 1 ? 1 : 0, disagree: vote === -1 ? 1 : 0, pass: vote === 0 ? 1 : 0 },
        opinion,
      };
    }),
  }));
}
