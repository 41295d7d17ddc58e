import { mkdirSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { jsonl, pope, smallLog, workFolder } from './harness.js';

const { path, write } = workFolder();
const log = write('small.jsonl', jsonl(smallLog));
const two = write(
  'two.jsonl',
  jsonl(smallLog.map((r) => ({ ...r, responses: [{ ...r.responses[0], feedback: { votes: 1, stars: 2 } }] }))),
);
mkdirSync(path('folder'));

/** The log with the first response of its second round changed. */
const changed = (change: Record<string, unknown>, round: Record<string, unknown> = {}): string =>
  write(
    `changed-${Math.abs(hash(JSON.stringify([change, round])))}.jsonl`,
    jsonl(
      smallLog.map((r, i) =>
        i === 1
          ? { ...r, ...round, ...('responses' in round ? {} : { responses: [{ ...r.responses[0], ...change }] }) }
          : r,
      ),
    ),
  );
const hash = (text: string): number => [...text].reduce((h, c) => (h * 31 + c.codePointAt(0)!) | 0, 7);
const without = (round: (typeof smallLog)[number]) => ({
  ...round,
  responses: [{ ...round.responses[0], propensity: undefined }],
});
const raw = (name: string, second: string) =>
  write(
    name,
    jsonl(smallLog)
      .split('\n')
      .map((line, i) => (i === 1 ? second : line))
      .join('\n'),
  );

/** Every wrong input: exit 2, one sentence, nothing on standard output. */
const cases: readonly (readonly [string, readonly string[], RegExp])[] = [
  ['malformed JSON', [raw('malformed.jsonl', '{"id": "b", ')], /line 2/],
  ['a propensity of 0', [changed({ propensity: 0 })], /line 2.*propensity is 0; expected a probability/],
  ['a propensity below 0', [changed({ propensity: -0.1 })], /line 2.*propensity is -0.1/],
  ['a propensity above 1', [changed({ propensity: 1.5 })], /line 2.*propensity is 1.5.*percentage/],
  [
    'a positive log-propensity',
    [changed({ propensity: undefined, log_propensity: 0.5 })],
    /line 2.*log_propensity is 0.5/,
  ],
  ['a positive target', [changed({ target_log_prob: { new: 0.5 } })], /line 2.*target_log_prob.new is 0.5/],
  [
    'NaN in the text',
    [raw('nan.jsonl', '{"id": "b", "prompt": "p", "responses": [{"text": "y", "propensity": NaN}]}')],
    /line 2/,
  ],
  [
    'an infinite number',
    [
      raw(
        'inf.jsonl',
        '{"id": "b", "prompt": "p", "responses": [{"text": "y", "propensity": 1, "feedback": {"votes": 1e999}}]}',
      ),
    ],
    /line 2/,
  ],
  ['a duplicate id', [changed({}, { id: 'a' })], /line 2.*id is "a"/],
  ['an empty slate', [changed({}, { responses: [] })], /line 2.*responses/],
  ['a known key of the wrong type', [changed({ feedback: { votes: 'many' } })], /line 2.*feedback.votes is "many"/],
  ['propensities on some rounds only', [changed({ propensity: undefined })], /line 2.*propensity/],
  ['no propensities at all', [write('unfitted.jsonl', jsonl(smallLog.map(without)))], /no propensities.*pope fit/],
  ['an empty file', [write('empty.jsonl', '')], /no rounds/],
  ['a file that is not there', [path('nowhere.jsonl')], /does not exist/],
  ['a folder', [path('folder')], /is a folder/],
  ['parquet', [path('log.parquet')], /Parquet/],
  [
    'a signal that the log lacks',
    [log, '--signal', 'likes'],
    /--signal is "likes"; expected a signal of the log \(votes\)/,
  ],
  ['no choice among several signals', [two], /2 signals \(votes, stars\); expected --signal/],
  [
    'a signal that is given twice',
    [log, '--signal', 'votes', '--signal', 'votes:identity:2'],
    /--signal votes:identity is given twice/,
  ],
  ['an unknown transform', [log, '--signal', 'votes:square'], /square.*identity, log1p, rank, share/],
  ['a weight that is no number', [log, '--signal', 'votes:log1p:much'], /weight.*much/],
  ['an unknown estimator', [log, '--estimators', 'ips,magic'], /--estimators is "magic"; expected one of ips, snips/],
  ['an unknown diversity', [log, '--diversity', 'wide'], /--diversity is "wide"; expected one of surprisal/],
  ['an unknown interval', [log, '--interval', 'wald'], /--interval is "wald"; expected one of t, bootstrap/],
  ['a level of 1', [log, '--level', '1'], /--level is "1"/],
  ['a level that is no number', [log, '--level', 'high'], /--level is "high"/],
  ['a level of NaN', [log, '--level', 'NaN'], /--level is "NaN"/],
  ['resamples that are no integer', [log, '--resamples', '1.5'], /--resamples is "1.5"; expected an integer/],
  ['a clip of 0', [log, '--clip', '0'], /--clip is "0"/],
  ['a negative tau', [log, '--tau', '-1'], /--tau is "-1"/],
  ['a negative seed', [log, '--seed', '-1'], /--seed is "-1"/],
  ['bernstein without a range', [log, '--interval', 'bernstein'], /needs --reward-range/],
  ['a range the wrong way round', [log, '--reward-range', '1,0'], /--reward-range is "1,0"/],
  ['a lambda of 0', [log, '--lambda', '0'], /--lambda is "0"; expected a number above 0/],
  ['a chance above 1', [log, '--position-bias', '1,1.5'], /--position-bias is "1.5"; expected a number above 0/],
  ['positions of a log without', [log, '--position-bias', '1,0.5'], /has no position; expected a display position/],
  ['tuning in a stream', [log, '--stream', '--tune'], /--tune needs the whole log/],
  ['a fit in a stream', [log, '--stream', '--position-bias', 'fit'], /--position-bias fit needs the whole log/],
  [
    'an interval that a stream lacks',
    [log, '--stream', '--interval', 'bca'],
    /interval is "bca"; expected t, or log-sm/,
  ],
  ['an estimator that a stream lacks', [log, '--stream', '--estimators', 'beta_star'], /estimator beta_star/],
  ['an unknown limit', [log, '--limit', 'size=3'], /key of --limit is "size"; expected one of ess/],
  ['a limit the wrong way round', [log, '--limit', 'ess=100,10'], /WEAK at least REFUSE/],
  ['a target without a path', [log, '--target', 'new'], /--target is "new"; expected NAME=PATH/],
  ['a target that is not there', [log, '--target', `other=${path('nowhere')}`], /nowhere does not exist/],
  ['a target named as one in the log', [log, '--target', `new=${log}`], /--target is "new"/],
  [
    'a target file that lacks a round',
    [log, '--target', `o=${write('short.jsonl', jsonl([{ id: 'a', log_probs: [-1] }]))}`],
    /id "b" is missing/,
  ],
  [
    'a target file of another slate',
    [log, '--target', `o=${write('long.jsonl', jsonl(smallLog.map(({ id }) => ({ id, log_probs: [-1, -2] }))))}`],
    /length 2; expected 1/,
  ],
  ['a folder that is no checkpoint', [log, '--target', `o=${path('folder')}`], /has no readable config.json/],
  ['opinions that the log lacks', [log, '--diversity', 'coverage'], /no opinion/],
  ['slates that the log lacks', [log, '--diversity', 'slate'], /slates of at least two/],
  ['an unknown option', [log, '--sed', '3'], /unknown option '--sed'/],
  ['a second log', [log, log], /each file once. It is named twice/],
  ['no log', [], /missing required argument/],
];

describe('pope evaluate refuses, with exit 2 and one sentence,', () => {
  for (const [name, argv, sentence] of cases) {
    it(name, async () => {
      const ran = await pope('evaluate', ...argv);
      expect(ran.stderr).toMatch(sentence);
      expect(ran.stderr).toMatch(/^pope: /);
      expect(ran.stderr).not.toContain('    at ');
      expect(ran.stdout).toBe('');
      expect(ran.code).toBe(2);
    });
  }

  it('a log of many faults, of which it prints 20 and their count', async () => {
    const ran = await pope(
      'evaluate',
      write('faults.jsonl', jsonl(Array.from({ length: 50 }, () => ({ prompt: 1, responses: [{ text: 'x' }] })))),
    );
    expect(ran.code).toBe(2);
    expect(ran.stderr.match(/ line \d+: /g)!.length).toBe(20);
    expect(ran.stderr).toMatch(/50 errors in .*the first 20 are shown/);
  });
});

describe('pope', () => {
  it('has help and a version, exit 0', async () => {
    for (const argv of [
      ['--help'],
      ['--version'],
      ['help', 'score'],
      ...['evaluate', 'score', 'generate', 'simulate'].map((c) => [c, '--help']),
    ]) {
      const ran = await pope(...argv);
      expect([ran.code, ran.stderr]).toEqual([0, '']);
      expect(ran.stdout.length).toBeGreaterThan(4);
    }
    for (const command of ['evaluate', 'score', 'generate', 'simulate']) {
      expect((await pope(command, '--help')).stdout).toMatch(/Examples:\n {2}\$ pope/);
    }
  });

  it('without a command, or with an unknown one, is bad usage', async () => {
    const [bare, unknown] = [await pope(), await pope('evalute')];
    expect([bare.code, unknown.code]).toEqual([2, 2]);
    expect(unknown.stderr).toMatch(/^pope: unknown command 'evalute'\n\(Did you mean evaluate\?\)/);
  });

  it('--debug adds the stack', async () => {
    const ran = await pope('evaluate', path('nowhere.jsonl'), '--debug');
    expect(ran.stderr).toContain('    at ');
    expect(ran.code).toBe(2);
  });
});
