// Turns a log of the Open Bandit Dataset (../shared/data/obd, README there) into the log format of `pope`.
//
//   node docs/guide/convert-obd.mjs ../shared/data/obd random men bts men.jsonl
//   pope evaluate men.jsonl --diversity none
//
// The arguments: folder, logging policy (random or bts), campaign (men or women), target policy (bts or uniform), output.
// One shown item a round: the prompt is a feature record of the user and the position on the page, the propensity is the
// recorded one, the target is a table of choice probabilities by position, and the feedback is the click.
// The reward model is a table too: q(item, position) = (clicks + 1)/(rows + 200), counted on the log itself, with its mean
// under the target as predicted_value, so that dm, dr, sndr, switch_dr and dros have their inputs.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';

const items = { men: 34, women: 46 };
const positions = [1, 2, 3];

/** The rounds of one log with one target in it, as objects. */
export function obdRounds(folder, logger, campaign, target) {
  const rows = readRows(join(folder, logger, `${campaign}.csv.gz`));
  const table = targetTable(folder, campaign, target);
  const q = rewardModel(rows, items[campaign]);
  const value = positions.map((position) => meanUnder(table[position - 1], q[position - 1]));
  return rows.map((row) => {
    const probability = table[row.position - 1][row.item];
    return {
      id: row.id,
      prompt: { ...row.features, position: row.position },
      responses: [
        {
          text: `item ${row.item}`,
          propensity: row.propensity,
          // null is how a log writes log 0: the target never shows this item
          target_log_prob: { [target]: probability > 0 ? Math.log(probability) : null },
          feedback: { click: row.click },
          position: row.position,
          predicted_reward: q[row.position - 1][row.item],
        },
      ],
      predicted_value: { [target]: value[row.position - 1] },
    };
  });
}

/** The columns that we need; no field of these files has a comma or a quote in it. */
function readRows(file) {
  const [header, ...lines] = gunzipSync(readFileSync(file)).toString('utf8').trim().split(/\r?\n/);
  const at = Object.fromEntries(header.split(',').map((name, column) => [name, column]));
  return lines.map((line) => {
    const cell = line.split(',');
    const features = [0, 1, 2, 3].map((k) => [`user_feature_${k}`, cell[at[`user_feature_${k}`]]]);
    return {
      id: cell[0],
      item: Number(cell[at.item_id]),
      position: Number(cell[at.position]),
      click: Number(cell[at.click]),
      propensity: Number(cell[at.propensity_score]),
      features: Object.fromEntries(features),
    };
  });
}

/** Choice probabilities, [position][item]. */
function targetTable(folder, campaign, target) {
  const n = items[campaign];
  if (target === 'uniform') return positions.map(() => new Array(n).fill(1 / n));
  if (target === 'bts') {
    const file = join(folder, `bts_action_distribution_${campaign}.json`);
    return JSON.parse(readFileSync(file, 'utf8')).probability_by_position_then_item;
  }
  throw new Error(`target is ${target}; expected bts or uniform`);
}

/** q(item, position), [position][item]: smoothed click rates of the log. */
function rewardModel(rows, n) {
  const clicks = positions.map(() => new Array(n).fill(0));
  const shown = positions.map(() => new Array(n).fill(0));
  for (const { position, item, click } of rows) {
    clicks[position - 1][item] += click;
    shown[position - 1][item]++;
  }
  return clicks.map((row, p) => row.map((count, item) => (count + 1) / (shown[p][item] + 200)));
}

function meanUnder(probability, q) {
  const total = probability.reduce((sum, p) => sum + p, 0);
  return probability.reduce((sum, p, item) => sum + p * q[item], 0) / total;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [folder, logger, campaign, target, out] = process.argv.slice(2);
  if (out === undefined) {
    console.error('usage: node convert-obd.mjs FOLDER random|bts men|women bts|uniform OUT.jsonl');
    process.exit(2);
  }
  writeFileSync(out, obdRounds(folder, logger, campaign, target).map((round) => `${JSON.stringify(round)}\n`).join(''));
}
