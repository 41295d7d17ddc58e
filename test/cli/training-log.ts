import { jsonl } from './harness.js';

const texts = ['tea', 'milk', 'cola'];
const propensity = [0.5, 0.3, 0.2];

/** A small log of two prompts, one of them a feature record; slates of two; milk is liked, and tea when it is cold. */
export const rounds = Array.from({ length: 30 }, (_, i) => {
  const pick = (k: number) => [0, 0, 0, 0, 0, 1, 1, 1, 2, 2][(7 * i + 3 * k) % 10];
  return {
    id: `r${i}`,
    prompt: i % 2 === 0 ? 'hot' : { weather: 'cold', day: 1 },
    cluster: `u${i % 10}`,
    note: { kept: i },
    responses: [pick(0), pick(1)].map((k) => ({
      text: texts[k],
      propensity: propensity[k],
      feedback: { up: k === 1 || (k === 0 && i % 2 === 1) ? 1 : 0 },
    })),
  };
});
export const logText = jsonl(rounds);
export const rawText = jsonl(
  rounds.map((round) => ({ ...round, responses: round.responses.map(({ propensity: _, ...rest }) => rest) })),
);
export const candidatesText = jsonl(
  ['hot', { day: 1, weather: 'cold' }].map((prompt) => ({
    prompt,
    candidates: texts.map((text, k) => ({ text, opinion: k === 0 ? 'p' : 'q' })),
  })),
);
export const tiny = ['--tokenizer', 'char', '--n-layer', '1', '--n-head', '2', '--n-embd', '8', '--lr', '0.02'];
