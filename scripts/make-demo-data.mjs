// Cuts the dense part of each Polis vote matrix into data/polis-demo.json, the data that `pope demo` runs on.
//
//   node scripts/make-demo-data.mjs [POLIS_FOLDER] [OUTPUT_FILE]
//
// Deterministic: the same input gives the same bytes. With no OUTPUT_FILE it also renews the table in data/README.md.
import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';
import { parse } from 'csv-parse/sync';

const SIZES = [20, 22, 24];
const STARTS = 12;
const MIN_PARTICIPANTS = 40;
const MAX_PARTICIPANTS = 400;
const MAX_TEXT = 140;
const MAX_BYTES = 250_000;
const LETTERS = 'ABCD';
const VOTE = { 1: '+', '-1': '-', 0: '0' };

const root = resolve(dirname(fileURLToPath(import.meta.url)), '..');
const source = process.argv[2] ?? join(root, '../shared/data/polis');
const output = process.argv[3];
const rows = (bytes) => parse(bytes, { columns: true, skip_empty_lines: true });

/** The question put to participants, or '' where the description is empty or only says that the consultation is over. */
function question(description) {
  const text = description.trim();
  const end = text.lastIndexOf('?');
  return end < 0 || /\bclosed\b/i.test(text) ? '' : text.slice(0, end + 1);
}

/** The letter of the group with the highest agree share; the first of equals. */
function opinionOf(comment, groups) {
  let best = '';
  let bestShare = -1;
  for (let g = 0; g < groups; g++) {
    const [agree, disagree, pass] = ['agree', 'disagree', 'pass'].map((kind) => Number(comment[`g${g}_${kind}`] || 0));
    const votes = agree + disagree + pass;
    if (votes > 0 && agree / votes > bestShare) {
      bestShare = agree / votes;
      best = LETTERS[g];
    }
  }
  return best;
}

const popcount = (bits) => {
  let count = 0;
  for (let word of bits) for (; word !== 0; word &= word - 1) count++;
  return count;
};
const intersect = (a, b) => a.map((word, i) => word & b[i]);

/** The candidate that leaves most participants, or -1. Equals: the smaller index. */
function bestAddition(voted, chosen, current) {
  let best = -1;
  let bestCount = -1;
  for (let s = 0; s < voted.length; s++) {
    if (chosen.includes(s)) continue;
    const count = popcount(intersect(current, voted[s]));
    if (count > bestCount) {
      bestCount = count;
      best = s;
    }
  }
  return best;
}

const everyone = (chosen, voted) => chosen.reduce((bits, s) => intersect(bits, voted[s]), voted[0].map(() => -1));

/** Greedy growth from one statement to the largest size, then at every wanted size swaps as long as they help. */
function candidates(voted, start) {
  const found = [];
  const chosen = [start];
  while (chosen.length < Math.min(SIZES.at(-1), voted.length)) {
    chosen.push(bestAddition(voted, chosen, everyone(chosen, voted)));
    if (SIZES.includes(chosen.length)) found.push(improve(voted, [...chosen]));
  }
  return found;
}

function improve(voted, chosen) {
  let count = popcount(everyone(chosen, voted));
  for (let improved = true; improved; ) {
    improved = false;
    for (let i = 0; i < chosen.length; i++) {
      const rest = everyone(chosen.filter((_, j) => j !== i), voted);
      const s = bestAddition(voted, chosen, rest);
      const after = s < 0 ? -1 : popcount(intersect(rest, voted[s]));
      if (after > count) {
        chosen[i] = s;
        count = after;
        improved = true;
      }
    }
  }
  return { chosen, count };
}

/** Thins a sorted list to `size`, evenly, keeping each group's share. */
function thin(participants, size) {
  if (participants.length <= size) return participants;
  const byGroup = [...participants].sort((a, b) => a.group.localeCompare(b.group) || a.id - b.id);
  const kept = Array.from({ length: size }, (_, i) => byGroup[Math.floor(((i + 0.5) * byGroup.length) / size)]);
  return kept.sort((a, b) => a.id - b.id);
}

function densePart(conversation, comments, participants) {
  const all = [...participants.values()].filter((p) => p.group !== '').sort((a, b) => a.id - b.id);
  const usable = comments
    .filter((c) => c.text.trim().length > 0 && c.text.length <= MAX_TEXT && opinionOf(c, conversation.groups) !== '')
    .map((c) => ({ ...c, comment_id: Number(c.comment_id) }))
    .sort((a, b) => a.comment_id - b.comment_id);
  const words = Math.ceil(all.length / 32);
  if (usable.length < SIZES[0]) return null;
  const voted = usable.map(({ comment_id }) => {
    const bits = new Int32Array(words);
    all.forEach((p, i) => {
      if (p.votes.has(comment_id)) bits[i >> 5] |= 1 << (i & 31);
    });
    return bits;
  });
  const byVotes = voted.map((bits, s) => ({ s, votes: popcount(bits) })).sort((a, b) => b.votes - a.votes || a.s - b.s);
  const cells = ({ chosen, count }) => chosen.length * Math.min(count, MAX_PARTICIPANTS);
  let best = null;
  for (const { s } of byVotes.slice(0, STARTS)) {
    for (const candidate of candidates(voted, s)) {
      if (candidate.count < MIN_PARTICIPANTS) continue;
      if (best === null || cells(candidate) > cells(best)) best = candidate;
    }
  }
  if (best === null) return null;
  const statements = [...best.chosen].sort((a, b) => a - b).map((s) => usable[s]);
  const dense = all.filter((p) => statements.every(({ comment_id }) => p.votes.has(comment_id)));
  const kept = thin(dense, MAX_PARTICIPANTS);
  return {
    key: conversation.conversation,
    topic: conversation.topic.replace(/^JOIN THE DISCUSSION BELOW: /, '').trim(),
    description: question(conversation.description),
    groups: [...LETTERS.slice(0, conversation.groups)],
    statements: statements.map((c) => ({ id: c.comment_id, text: c.text, opinion: opinionOf(c, conversation.groups) })),
    participants: kept.map((p) => p.group + statements.map((c) => VOTE[p.votes.get(c.comment_id)]).join('')),
  };
}

/** One statement and one participant a line: small, and readable in a diff. */
function serialize(demo) {
  const { conversations, ...head } = demo;
  const list = (items) => items.map((item) => `   ${JSON.stringify(item)}`).join(',\n');
  const body = conversations.map(({ statements, participants, ...rest }) => {
    const open = JSON.stringify(rest).slice(0, -1);
    return `  ${open},\n  "statements": [\n${list(statements)}],\n  "participants": [\n${list(participants)}]}`;
  });
  return `${JSON.stringify(head).slice(0, -1)},\n "conversations": [\n${body.join(',\n')}]}\n`;
}

function table(conversations) {
  const head = '| conversation | statements | participants | by group | agree share by group | statements by opinion |\n| --- | ---: | ---: | --- | --- | --- |';
  const lines = conversations.map(({ key, groups, statements, participants }) => {
    const per = (f) => groups.map((g) => `${g} ${f(g)}`).join(', ');
    const of = (g) => participants.filter((p) => p[0] === g);
    const share = (g) => {
      const votes = of(g).map((p) => p.slice(1)).join('');
      return votes.length === 0 ? 'none' : (votes.split('+').length - 1) / votes.length;
    };
    const show = (x) => (typeof x === 'number' ? x.toFixed(2) : x);
    return `| ${key} | ${statements.length} | ${participants.length} | ${per((g) => of(g).length)} | ${per((g) => show(share(g)))} | ${per((g) => statements.filter((s) => s.opinion === g).length)} |`;
  });
  return [head, ...lines].join('\n');
}

const conversations = rows(readFileSync(join(source, 'conversations.csv')));
const comments = new Map();
for (const c of rows(readFileSync(join(source, 'comments.csv')))) {
  if (!comments.has(c.conversation)) comments.set(c.conversation, []);
  comments.get(c.conversation).push(c);
}
const people = new Map();
for (const line of gunzipSync(readFileSync(join(source, 'votes.csv.gz'))).toString('utf8').trim().split('\n').slice(1)) {
  const [conversation, participant, group, comment, vote] = line.trim().split(',');
  if (!people.has(conversation)) people.set(conversation, new Map());
  const room = people.get(conversation);
  if (!room.has(participant)) {
    room.set(participant, { id: Number(participant), group: group === '' ? '' : LETTERS[Number(group)], votes: new Map() });
  }
  room.get(participant).votes.set(Number(comment), Number(vote));
}
const parts = conversations
  .filter((c) => people.has(c.conversation))
  .map((c) => densePart({ ...c, groups: Number(c.groups) }, comments.get(c.conversation), people.get(c.conversation)))
  .filter((part) => part !== null);
const text = serialize({
  format: 'pope-polis-demo/1',
  license: 'CC BY 4.0, https://creativecommons.org/licenses/by/4.0/',
  attribution:
    'Data was gathered using the Polis software (compdemocracy.org/polis) and is sub-licensed under CC BY 4.0 with Attribution to The Computational Democracy Project. See data/README.md.',
  conversations: parts,
});
const bytes = Buffer.byteLength(text);
if (bytes > MAX_BYTES) throw new Error(`the demo data takes ${bytes} bytes; at most ${MAX_BYTES} are allowed`);
writeFileSync(output ?? join(root, 'data/polis-demo.json'), text);
if (output === undefined) {
  const path = join(root, 'data/README.md');
  const readme = readFileSync(path, 'utf8');
  writeFileSync(path, readme.replace(/(<!-- table -->\n)[\s\S]*?(\n<!-- end -->)/, (_, a, b) => a + table(parts) + b));
}
process.stderr.write(`${table(parts)}\n${parts.length} conversations, ${bytes} bytes\n`);
