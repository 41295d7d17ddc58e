import { describe, expect, it } from 'vitest';
import type { EvaluationResult } from '../../src/pope/index.js';
import { seededRandom, uniform } from '../../src/random/index.js';
import { jsonl, pope, workFolder } from './harness.js';

const { write } = workFolder();
const random = seededRandom(4);

/** 300 rounds of one response at position 1 or 2, rated by two groups. */
const records = Array.from({ length: 300 }, (_, i) => {
  const first = uniform(random) < 0.4;
  const seen = i % 2 === 0 || uniform(random) < 0.5;
  return {
    id: `r${i}`,
    prompt: `x${i % 3}`,
    responses: [
      {
        text: first ? 'a' : 'b',
        position: 1 + (i % 2),
        propensity: first ? 0.4 : 0.6,
        target_log_prob: { new: Math.log(first ? 0.7 : 0.3) },
        feedback: { up: seen && uniform(random) < (first ? 0.8 : 0.3) ? 1 : 0 },
        group_feedback: { old: { up: uniform(random) < 0.2 ? 1 : 0 }, young: { up: uniform(random) < 0.6 ? 1 : 0 } },
      },
    ],
  };
});
const log = write('log.jsonl', jsonl(records));

const json = async (...argv: string[]): Promise<EvaluationResult> => {
  const ran = await pope('evaluate', log, ...argv, '--json');
  expect(ran.code, ran.stderr).toBe(0);
  return JSON.parse(ran.stdout);
};

describe('estimators beyond the main ones', () => {
  it('are in the JSON, and in the table when asked for', async () => {
    const [text, all] = [await pope('evaluate', log), await pope('evaluate', log, '--estimators', 'all')];
    expect(text.stdout).not.toMatch(/^utility +beta_star/m);
    expect(text.stdout).toMatch(
      /further estimators.*: log_smoothing, implicit_exploration, beta_star, pareto_smoothed/,
    );
    expect(all.stdout).toMatch(/^utility +beta_star/m);
    expect(all.stdout).not.toMatch(/further estimators/);
    const { utility } = (await json()).targets['new'];
    expect(Object.keys(utility)).toEqual(
      expect.arrayContaining(['log_smoothing', 'implicit_exploration', 'beta_star', 'pareto_smoothed']),
    );
  });

  it('--lambda is theirs: towards 0 both are ips', async () => {
    const { utility } = (await json('--lambda', '1e-9')).targets['new'];
    expect(utility['log_smoothing']!.estimate).toBeCloseTo(utility['ips']!.estimate!, 7);
    expect(utility['implicit_exploration']!.estimate).toBeCloseTo(utility['ips']!.estimate!, 7);
    const held = (await json('--lambda', '1')).targets['new'].utility;
    expect(held['implicit_exploration']!.estimate!).toBeLessThan(0.8 * utility['ips']!.estimate!);
  });
});

describe('--tune', () => {
  it('chooses on the log, shows every candidate and says that intervals do not include it', async () => {
    const tuned = await json('--tune', '--diversity', 'none');
    const { tuning, utility } = tuned.targets['new'];
    expect(Object.keys(tuning!)).toEqual(['clipped_ips', 'log_smoothing', 'implicit_exploration']);
    for (const [key, { candidates, selected }] of Object.entries(tuning!)) {
      expect(candidates).toHaveLength(12);
      const chosen = candidates.find(({ outcome }) => outcome === 'selected')!;
      expect(chosen.value).toBe(selected);
      expect(utility[key]!.estimate).toBeCloseTo(chosen.estimate, 12);
    }
    expect(tuned.warnings.map(({ code }) => code)).toContain('tuned_on_log');
    const fixed = await json('--diversity', 'none', '--clip', String(tuning!['clipped_ips'].selected));
    const { estimate, std_error } = fixed.targets['new'].utility['clipped_ips']!;
    // the choice may be biased by as much as its error: no interval, and the value keeps the parameters as given
    expect(utility['clipped_ips']).toEqual({ estimate, std_error, lower: null, upper: null });
    expect(tuned.targets['new'].versus_logging.utility['clipped_ips']!.upper).toBeNull();
    const plain = await json('--diversity', 'none');
    expect(tuned.targets['new'].value).toEqual(plain.targets['new'].value);
    expect(utility['ips']).toEqual(plain.targets['new'].utility['ips']);
    expect((await pope('evaluate', log, '--tune')).stdout).toMatch(/^clipped_ips: clip [\d.]+, chosen on the log; /m);
  });
});

describe('--position-bias', () => {
  it('divides feedback by the chance that its position is seen', async () => {
    const [plain, corrected, fitted] = [
      await json(),
      await json('--position-bias', '1,0.5'),
      await json('--position-bias', 'fit'),
    ];
    const mean = (position: number): number =>
      records.reduce((sum, { responses: [r] }) => sum + (r.position === position ? r.feedback.up : 0), 0) / 150;
    expect(plain.logging.utility!.estimate).toBeCloseTo((mean(1) + mean(2)) / 2, 12);
    expect(corrected.logging.utility!.estimate).toBeCloseTo((mean(1) + 2 * mean(2)) / 2, 12);
    expect(fitted.logging.utility!.estimate).toBeCloseTo(mean(1), 12);
    expect(corrected.settings['examination']).toEqual([1, 0.5]);
    const text = await pope('evaluate', log, '--position-bias', '1,0.5');
    expect(text.stdout).toMatch(/^feedback divided by the chance that its display position is seen: 1, 0\.500$/m);
  });
});

describe('groups of raters', () => {
  it('are a table with the worst of them', async () => {
    const ran = await pope('evaluate', log);
    expect(ran.stdout).toMatch(
      /utility of 2 groups of raters by snips \(97\.50% intervals, which hold together across groups in each column\)/,
    );
    expect(ran.stdout).toMatch(/^old +300 /m);
    expect(ran.stdout).toMatch(/least estimate: old; the least value of any group lies in \[0/);
  });
});

describe('several files', () => {
  it('are one log, read whole or merged in parts', async () => {
    const clustered = records.map((record, i) => ({ ...record, cluster: `c${String(i % 40).padStart(2, '0')}` }));
    const byCluster = (k: number) =>
      clustered
        .filter((_, i) => i % 3 === k)
        .sort((a, b) => (a.cluster < b.cluster ? -1 : a.cluster > b.cluster ? 1 : 0));
    const files = [0, 1, 2].map((k) => write(`shard-${k}.jsonl`, jsonl(byCluster(k))));
    const one = await pope('evaluate', write('clustered.jsonl', jsonl(clustered)), '--json');
    for (const ran of [
      await pope('evaluate', ...files, '--json'),
      await pope('evaluate', ...files, '--stream', '--json'),
    ]) {
      expect(ran.code, ran.stderr).toBe(0);
      const [ips, whole] = [ran, one].map(({ stdout }) => JSON.parse(stdout).targets.new.utility.ips);
      expect(ips.estimate).toBeCloseTo(whole.estimate, 12);
      expect(ips.std_error).toBeCloseTo(whole.std_error, 10);
    }
    const unsorted = await pope(
      'evaluate',
      files[0]!,
      write('unsorted.jsonl', jsonl(clustered.slice(0, 60))),
      '--stream',
    );
    expect([unsorted.code, unsorted.stderr]).toEqual([
      2,
      expect.stringMatching(
        /unsorted\.jsonl line 41: cluster is "c00" after "c39"; expected each of several files sorted/,
      ),
    ]);
    const twice = await pope('evaluate', log, log);
    expect([twice.code, twice.stderr]).toEqual([2, expect.stringMatching(/expected each file once/)]);
  });
});

describe('--stream', () => {
  it('prints what the whole log gives, but for what needs all rounds at once', async () => {
    const options = ['--lambda', '0.1', '--diversity', 'anchored'];
    const [whole, stream] = [await json(...options), await json(...options, '--stream')];
    const { utility, value, verdict } = stream.targets['new'];
    expect(Object.keys(utility)).not.toContain('beta_star');
    for (const key of Object.keys(utility)) {
      expect(utility[key]!.estimate).toBeCloseTo(whole.targets['new'].utility[key]!.estimate!, 10);
      expect(utility[key]!.upper).toBeCloseTo(whole.targets['new'].utility[key]!.upper!, 10);
    }
    expect(value['ips']!.estimate).toBeCloseTo(whole.targets['new'].value['ips']!.estimate!, 10);
    expect(verdict.level).toBe(whole.targets['new'].verdict.level);
    expect(stream.warnings.map(({ code }) => code)).toContain('not_streamed');
    expect(stream.log).toEqual(whole.log);
  });

  it('has one lambda for the estimators and for the interval log-smoothing, as the whole log', async () => {
    const options = ['--interval', 'log-smoothing', '--lambda', '0.3', '--diversity', 'none'];
    const [whole, stream] = [await json(...options), await json(...options, '--stream')];
    expect(stream.targets['new'].utility['ips']!.lower).toBeCloseTo(whole.targets['new'].utility['ips']!.lower!, 10);
    const other = await json(...options.with(3, '1'));
    expect(other.targets['new'].utility['ips']!.lower).not.toBe(whole.targets['new'].utility['ips']!.lower);
    const ran = await pope('evaluate', log, '--stream', '--interval', 'log-smoothing');
    expect([ran.code, ran.stderr]).toEqual([2, expect.stringMatching(/has no --lambda; expected one with --stream/)]);
  });

  it('knows the signals of all parts: one that begins late, and a second one', async () => {
    const line = (feedback: object) => ({
      prompt: 'x',
      responses: [{ text: 'a', propensity: 0.5, target_log_prob: Math.log(0.5), feedback }],
    });
    const many = (k: number, feedback: object) => Array.from({ length: k }, () => line(feedback));
    const late = write('late.jsonl', jsonl([...many(2100, {}), ...many(40, { u: 1 })]));
    const ran = await pope('evaluate', late, '--stream', '--signal', 'u', '--json');
    expect(ran.code, ran.stderr).toBe(0);
    expect(JSON.parse(ran.stdout).log.rounds).toBe(40);
    const unknown = await pope('evaluate', late, '--stream', '--signal', 'w');
    expect([unknown.code, unknown.stderr]).toEqual([2, expect.stringMatching(/--signal is "w".*\(u\)/)]);
    const two = write('two.jsonl', jsonl([...many(2100, { u: 1 }), ...many(40, { u: 1, v: 1 })]));
    const both = await pope('evaluate', two, '--stream');
    expect([both.code, both.stderr]).toEqual([2, expect.stringMatching(/the log has 2 signals \(u, v\)/)]);
  });

  it('refuses targets that are no checkpoint', async () => {
    const target = write('target.jsonl', jsonl([{ id: 'r0', log_probs: [-1] }]));
    const ran = await pope('evaluate', log, '--stream', '--target', `other=${target}`);
    expect(ran.code).toBe(2);
    expect(ran.stderr).toMatch(/is no checkpoint folder; expected one with --stream/);
  });
});
