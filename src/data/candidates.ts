import { type Candidate, promptKey } from '../ope/log.js';
import { PopeError } from '../util/index.js';
import { entries } from './entries.js';
import type { Chunks } from './lines.js';
import { complaint, type Report, refusal } from './place.js';
import { addProblem, noProblems, throwProblems } from './problems.js';
import { isObject, type RoundRecord } from './record.js';

/** Finite response spaces by prompt key. */
export type Candidates = ReadonlyMap<string, readonly Candidate[]>;

/**
 * Reads JSONL of `{"prompt", "candidates": [{"text", "opinion"}]}`.
 * @returns the candidates by prompt key (`promptKey`).
 * @throws PopeError (code `bad_log`) for malformed JSON, a prompt given twice, no candidates, one text twice.
 */
export async function parseCandidates(
  chunks: Chunks,
  { file = 'candidates' }: { readonly file?: string } = {},
): Promise<Candidates> {
  const problems = noProblems(file);
  const spaces = new Map<string, readonly Candidate[]>();
  for await (const batch of entries(chunks, file, 'json')) {
    for (const { place, value, malformed } of batch) {
      const before = problems.count;
      const fail: Report = (path, got, expected, hint) =>
        addProblem(problems, refusal(place, path, got, expected, hint), place);
      if (malformed !== undefined) addProblem(problems, complaint(place, malformed), place);
      else if (!isObject(value)) fail('the line', value, 'an object with prompt and candidates');
      else {
        const { prompt } = value;
        if (typeof prompt !== 'string' && !isObject(prompt))
          fail('prompt', prompt, 'a string or an object of features');
        const space = readSpace(value['candidates'], fail);
        if (problems.count > before) continue;
        const key = promptKey(prompt as RoundRecord['prompt']);
        if (spaces.has(key)) fail('prompt', prompt, 'a prompt that no earlier line has');
        spaces.set(key, space);
      }
    }
  }
  throwProblems(problems);
  if (spaces.size === 0)
    throw new PopeError(`${file} holds no candidates; expected at least one prompt.`, { code: 'bad_log', file });
  return spaces;
}

function readSpace(value: unknown, fail: Report): Candidate[] {
  if (!Array.isArray(value) || value.length === 0) {
    fail('candidates', value, 'an array of at least one {"text", "opinion"}');
    return [];
  }
  const texts = new Set<string>();
  return value.map((candidate: unknown, k) => {
    const { text, opinion } = isObject(candidate) ? candidate : { text: undefined, opinion: undefined };
    if (typeof text !== 'string') fail(`candidates[${k}].text`, text, 'a string');
    else if (texts.has(text)) fail(`candidates[${k}].text`, text, 'a text that no earlier candidate of the prompt has');
    else texts.add(text);
    if (opinion !== undefined && opinion !== null && (typeof opinion !== 'string' || opinion === '')) {
      fail(`candidates[${k}].opinion`, opinion, 'a string that is not empty');
    }
    return typeof opinion === 'string' ? { text: text as string, opinion } : { text: text as string };
  });
}

const byText = new WeakMap<readonly Candidate[], Map<string, Candidate>>();

/** The candidate of that text; undefined where there is none. */
export function candidateOf(space: readonly Candidate[], text: string): Candidate | undefined {
  let index = byText.get(space);
  if (index === undefined) byText.set(space, (index = new Map(space.map((candidate) => [candidate.text, candidate]))));
  return index.get(text);
}

/** True where every response of the round is a candidate of its prompt, of the same opinion where both name one. */
export function checkCandidates(round: RoundRecord, candidates: Candidates, fail: Report): boolean {
  const space = candidates.get(promptKey(round.prompt));
  if (space === undefined) {
    fail('prompt', round.prompt, 'a prompt of the candidates file');
    return false;
  }
  let ok = true;
  round.responses.forEach(({ text, opinion }, j) => {
    const candidate = candidateOf(space, text);
    if (candidate === undefined)
      fail(`responses[${j}].text`, text, `one of the ${space.length} candidates of its prompt`);
    else if (opinion != null && candidate.opinion !== undefined && opinion !== candidate.opinion) {
      fail(`responses[${j}].opinion`, opinion, `${JSON.stringify(candidate.opinion)}, as in the candidates file`);
    } else return;
    ok = false;
  });
  return ok;
}
