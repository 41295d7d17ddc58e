import { invalid, PopeError } from '../util/index.js';

/** A statement of a conversation; `opinion` is the letter of the group that agrees most. */
export interface DemoStatement {
  readonly id: number;
  readonly text: string;
  readonly opinion: string;
}

/** A participant: the group's letter, and a vote per statement: 1 agree, -1 disagree, 0 pass. */
export interface DemoParticipant {
  readonly group: string;
  readonly votes: Int8Array;
}

/** A conversation in which every participant voted on every statement. */
export interface DemoConversation {
  readonly key: string;
  readonly topic: string;
  /** The question put to participants; '' where there is none (then use the topic). */
  readonly description: string;
  readonly groups: readonly string[];
  readonly statements: readonly DemoStatement[];
  readonly participants: readonly DemoParticipant[];
}

const FORMAT = 'pope-polis-demo/1';
const VOTES: Readonly<Record<string, number>> = { '+': 1, '-': -1, '0': 0 };

/**
 * Checks and expands the parsed content of `data/polis-demo.json` (its format: data/README.md).
 * Every row of votes has as many entries as the conversation has statements.
 * @throws PopeError naming the first thing that is not as the format says.
 */
export function parseDemo(json: unknown): DemoConversation[] {
  const file = record('demo', json);
  if (file['format'] !== FORMAT) throw invalid('demo.format', file['format'], `"${FORMAT}"`);
  const conversations = list('demo.conversations', file['conversations']).map((value, i) =>
    parseConversation(`demo.conversations[${i}]`, value),
  );
  assertDistinct(
    'demo.conversations',
    'key',
    conversations.map(({ key }) => key),
  );
  return conversations;
}

function parseConversation(path: string, json: unknown): DemoConversation {
  const source = record(path, json);
  const groups = list(`${path}.groups`, source['groups']).map((g, i) => letter(`${path}.groups[${i}]`, g));
  assertDistinct(`${path}.groups`, 'letter', groups);
  const statements = list(`${path}.statements`, source['statements']).map((value, i) =>
    parseStatement(`${path}.statements[${i}]`, value, groups),
  );
  assertDistinct(
    `${path}.statements`,
    'id',
    statements.map(({ id }) => id),
  );
  return {
    key: text(`${path}.key`, source['key']),
    topic: text(`${path}.topic`, source['topic']),
    description: text(`${path}.description`, source['description'], 0),
    groups,
    statements,
    participants: list(`${path}.participants`, source['participants']).map((value, i) =>
      parseParticipant(`${path}.participants[${i}]`, value, groups, statements.length),
    ),
  };
}

function parseStatement(path: string, json: unknown, groups: readonly string[]): DemoStatement {
  const source = record(path, json);
  const id = source['id'];
  if (typeof id !== 'number' || !Number.isInteger(id) || id < 0)
    throw invalid(`${path}.id`, id, 'an integer of at least 0');
  return {
    id,
    text: text(`${path}.text`, source['text']),
    opinion: oneOf(`${path}.opinion`, source['opinion'], groups),
  };
}

function parseParticipant(path: string, json: unknown, groups: readonly string[], statements: number): DemoParticipant {
  const row = text(path, json);
  if (row.length !== statements + 1) {
    throw invalid(
      path,
      row,
      `a group letter and ${statements} votes, so ${statements + 1} characters, not ${row.length}`,
    );
  }
  const votes = Int8Array.from(row.slice(1), (character, i) => {
    const vote = VOTES[character];
    if (vote === undefined) throw invalid(`${path}, vote ${i + 1},`, character, '"+", "-" or "0"');
    return vote;
  });
  return { group: oneOf(`${path}, group letter,`, row[0], groups), votes };
}

function record(path: string, value: unknown): Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw invalid(path, value, 'an object');
  return value as Record<string, unknown>;
}

function list(path: string, value: unknown): readonly unknown[] {
  if (!Array.isArray(value) || value.length === 0) throw invalid(path, value, 'an array with at least one member');
  return value;
}

function text(path: string, value: unknown, minLength = 1): string {
  if (typeof value !== 'string' || value.length < minLength) {
    throw invalid(path, value, minLength === 0 ? 'a string' : 'a string that is not empty');
  }
  return value;
}

function letter(path: string, value: unknown): string {
  if (typeof value !== 'string' || value.length !== 1) throw invalid(path, value, 'one letter');
  return value;
}

function oneOf(path: string, value: unknown, choices: readonly string[]): string {
  if (typeof value !== 'string' || !choices.includes(value)) throw invalid(path, value, `one of ${choices.join(', ')}`);
  return value;
}

function assertDistinct(path: string, what: string, values: readonly (string | number)[]): void {
  const seen = new Set<string | number>();
  for (const value of values) {
    if (seen.has(value))
      throw new PopeError(`${path} has the ${what} ${value} twice; expected each once.`, {
        argument: path,
        got: value,
      });
    seen.add(value);
  }
}
