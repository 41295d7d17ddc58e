// Turns the language-model log of ../shared/data/arena-llm-log (README there) into the log format of `pope`.
//
//   node docs/guide/convert-arena.mjs ../shared/data/arena-llm-log arena.jsonl
//   pope evaluate arena.jsonl --diversity anchored
//
// One answer a round: the log-propensity is the base policy's own log-probability of the whole answer, the three other
// policies are targets inside the log, and the feedback is the judge's score of the answer, from 0.1 to 1.
// No dependencies; the texts are not ours to pass on, so keep the output to yourself.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';

const targets = ['clone', 'parallel', 'unhelpful'];

/** The rounds of the log, as objects. */
export function arenaRounds(folder) {
  const text = gunzipSync(readFileSync(join(folder, 'logged.jsonl.gz'))).toString('utf8');
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      const row = JSON.parse(line);
      return {
        id: row.prompt_id,
        prompt: row.prompt,
        responses: [
          {
            text: row.response,
            log_propensity: row.logprob_base,
            target_log_prob: Object.fromEntries(targets.map((name) => [name, row[`logprob_${name}`]])),
            feedback: { judge_score: row.judge_score },
          },
        ],
      };
    });
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [folder, out] = process.argv.slice(2);
  if (out === undefined) {
    console.error('usage: node convert-arena.mjs FOLDER OUT.jsonl');
    process.exit(2);
  }
  try {
    writeFileSync(out, arenaRounds(folder).map((round) => `${JSON.stringify(round)}\n`).join(''));
  } catch (error) {
    console.error(`convert-arena: ${error.message}; expected a folder with logged.jsonl.gz, and a place to write.`);
    process.exit(2);
  }
}
