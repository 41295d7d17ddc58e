import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { Readable } from 'node:stream';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { version } from '../../src/version.js';
import { jsonl, pope, smallLog, workFolder } from './harness.js';

const { path, write } = workFolder();
const log = write('small.jsonl', jsonl(smallLog));
const json = async (...argv: string[]) => {
  const ran = await pope('evaluate', ...argv, '--json');
  expect(ran.stderr.replace(/^warning: .*\n/gm, '')).toBe('');
  expect(ran.code).toBe(0);
  return JSON.parse(ran.stdout);
};

describe('pope evaluate on a log computed by hand', () => {
  it('gives the figures of pen and paper', async () => {
    const result = await json(log, '--clip', '1.5');
    const { utility, diversity, value, versus_logging, diagnostics, verdict } = result.targets.new;
    // terms 2, 0, 1, 0
    expect(utility.ips.estimate).toBeCloseTo(0.75, 14);
    expect(utility.ips.std_error).toBeCloseTo(Math.sqrt(2.75 / 3 / 4), 14);
    // Student t with 3 degrees of freedom at 0.975, from tables
    expect(utility.ips.upper - utility.ips.estimate).toBeCloseTo(3.182446305284263 * Math.sqrt(2.75 / 12), 10);
    expect(utility.ips.estimate - utility.ips.lower).toBeCloseTo(3.182446305284263 * Math.sqrt(2.75 / 12), 10);
    expect(utility.snips.estimate).toBeCloseTo(3 / 3.5, 14);
    expect(utility.clipped_ips.estimate).toBeCloseTo(2.5 / 4, 14);
    expect(utility.joint_ips.estimate).toBeCloseTo(0.75, 14);
    // -log pi: 0, log 2, log 4, and nothing where pi is 0
    expect(diversity.ips.estimate).toBeCloseTo((2.5 * Math.LN2) / 4, 14);
    expect(value.ips.estimate).toBeCloseTo(0.75 + (2.5 * Math.LN2) / 4, 14);
    expect(result.logging.utility.estimate).toBe(0.75);
    expect(result.logging.diversity.estimate).toBeCloseTo((Math.log(2) + Math.log(4) + Math.log(10)) / 4, 14);
    // differences, round by round: 1, 0, 0, -1
    expect(versus_logging.utility.ips.estimate).toBeCloseTo(0, 14);
    expect(versus_logging.utility.ips.std_error).toBeCloseTo(Math.sqrt(2 / 3 / 4), 14);
    expect(diagnostics.mean_weight).toBeCloseTo(3.5 / 4, 14);
    expect(diagnostics.effective_sample_size).toBeCloseTo(12.25 / 5.25, 14);
    expect(diagnostics.max_weight_share).toBeCloseTo(2 / 3.5, 14);
    expect(diagnostics.zero_weight_share).toBe(0.25);
    expect(verdict.level).toBe('refused');
    expect(utility.dm).toBeUndefined();
  });

  it('has the keys of the interface', async () => {
    const result = await json(log, '--seed', '3');
    expect(Object.keys(result)).toEqual(['version', 'log', 'settings', 'logging', 'targets', 'warnings']);
    expect(result.version).toBe(version);
    expect(result.log).toEqual({ rounds: 4, responses: 4, skipped: 0, mean_slate: 1, propensity: 'logged' });
    expect(result.settings).toMatchObject({
      tau: 1,
      diversity: 'surprisal',
      signals: [{ name: 'votes' }],
      level: 0.95,
      interval: 't',
      seed: 3,
    });
    expect(Object.keys(result.targets.new)).toEqual([
      'utility',
      'diversity',
      'value',
      'versus_logging',
      'diagnostics',
      'verdict',
      'sensitivity',
      'variance',
      'value_variance',
    ]);
    expect(result.targets.new.sensitivity.eta).toEqual([0.1, 0.25, 0.5]);
    for (const { code, message } of result.warnings)
      expect([typeof code, typeof message]).toEqual(['string', 'string']);
  });

  it('averages over a slate with equal weights', async () => {
    const responses = [
      { text: 'x', propensity: 0.5, target_log_prob: Math.log(0.25), feedback: { votes: 4 } },
      { text: 'y', propensity: 0.25, target_log_prob: Math.log(0.5), feedback: { votes: 3 } },
    ];
    const file = write(
      'slate.jsonl',
      jsonl([
        { prompt: 'p', responses },
        { prompt: 'q', responses },
      ]),
    );
    const result = await json(file, '--diversity', 'none');
    // (0.5 * 4 + 2 * 3) / 2 a round; jointly 0.5 * 2 * (4 + 3) / 2
    expect(result.targets.target.utility.ips.estimate).toBeCloseTo(4, 13);
    expect(result.targets.target.utility.snips.estimate).toBeCloseTo(8 / 2.5, 13);
    expect(result.targets.target.utility.joint_ips.estimate).toBeCloseTo(3.5, 13);
    expect(result.log.mean_slate).toBe(2);
  });

  it('applies signals, transforms and weights', async () => {
    const records = smallLog.map((round, i) => ({
      ...round,
      responses: [{ ...round.responses[0], feedback: { votes: i, stars: 2 } }],
    }));
    const file = write('signals.jsonl', jsonl(records));
    const result = await json(file, '--signal', 'votes:log1p:2', '--signal', 'stars:identity:0.5');
    const expected = (2 * (2 * Math.log1p(0) + 1) + 0.5 * (2 * Math.log1p(1) + 1) + (2 * Math.log1p(2) + 1)) / 4;
    expect(result.targets.new.utility.ips.estimate).toBeCloseTo(expected, 13);
    expect(result.settings.signals).toEqual([
      { name: 'votes', transform: 'log1p', weight: 2 },
      { name: 'stars', transform: 'identity', weight: 0.5 },
    ]);
  });

  it('reads a target from JSONL of log_probs', async () => {
    const file = write(
      'other.jsonl',
      jsonl(smallLog.map(({ id, responses }) => ({ id, log_probs: [responses[0].target_log_prob.new] })).reverse()),
    );
    const result = await json(log, '--target', `other=${file}`);
    expect(result.targets.other).toEqual({ ...result.targets.new, verdict: result.targets.other.verdict });
    expect(Object.keys(result.targets)).toEqual(['new', 'other']);
  });

  it('keeps to the estimators asked for', async () => {
    const result = await json(log, '--estimators', 'snips, ips');
    expect(Object.keys(result.targets.new.utility).sort()).toEqual(['ips', 'snips']);
    const all = await json(log, '--estimators', 'all');
    expect(Object.keys(all.targets.new.utility)).toContain('joint_ips');
  });

  it('uses the reward model where the log has one', async () => {
    const records = smallLog.map((round, i) => ({
      ...round,
      responses: [{ ...round.responses[0], predicted_reward: 0.5 }],
      predicted_value: { new: i / 10 },
    }));
    const { utility } = (await json(write('model.jsonl', jsonl(records)), '--switch', '1', '--shrink', '3')).targets
      .new;
    // residuals 0.5, -0.5, 0.5, 0.5; baseline 0.15
    expect(utility.dm.estimate).toBeCloseTo(0.15, 14);
    expect(utility.dr.estimate).toBeCloseTo(0.15 + (1 - 0.25 + 0.5) / 4, 14);
    expect(utility.sndr.estimate).toBeCloseTo(0.15 + 1.25 / 3.5, 14);
    expect(utility.switch_dr.estimate).toBeCloseTo(0.15 + (-0.25 + 0.5) / 4, 14);
    const shrunk = (rho: number) => (3 * rho) / (rho * rho + 3);
    expect(utility.dros.estimate).toBeCloseTo(0.15 + (0.5 * shrunk(2) - 0.5 * shrunk(0.5) + 0.5 * shrunk(1)) / 4, 14);
  });

  it('reads gzip and standard input to the same numbers', async () => {
    const packed = path('small.jsonl.gz');
    writeFileSync(packed, gzipSync(jsonl(smallLog)));
    const plain = await json(log);
    expect(await json(packed)).toEqual(plain);
    const before = Object.getOwnPropertyDescriptor(process, 'stdin')!;
    Object.defineProperty(process, 'stdin', {
      value: Readable.from([Buffer.from(jsonl(smallLog))]),
      configurable: true,
    });
    try {
      expect(await json('-')).toEqual(plain);
    } finally {
      Object.defineProperty(process, 'stdin', before);
    }
  });
});

describe('what pope evaluate prints', () => {
  it('prints JSON alone, and the same bytes for the same seed', async () => {
    const argv = ['evaluate', log, '--interval', 'bootstrap', '--resamples', '50', '--json'];
    const [one, two, other] = [
      await pope(...argv, '--seed', '7'),
      await pope(...argv, '--seed', '7'),
      await pope(...argv, '--seed', '8'),
    ];
    expect(one.stdout).toBe(two.stdout);
    expect(other.stdout).not.toBe(one.stdout);
    expect(one.stdout).toBe(`${JSON.stringify(JSON.parse(one.stdout), null, 2)}\n`);
    expect(one.stderr).toMatch(/^(warning: .* \[\w+\]\n)+$/);
  });

  it('--quiet leaves standard error empty, and the warnings in the JSON', async () => {
    const ran = await pope('evaluate', log, '--json', '--quiet');
    expect(ran.stderr).toBe('');
    expect(JSON.parse(ran.stdout).warnings.map(({ code }: { code: string }) => code)).toContain('few_rounds');
  });

  it('shows a table, marks every line of a refused target and says why', async () => {
    const ran = await pope('evaluate', log);
    expect(ran.code).toBe(0);
    const lines = ran.stdout.split('\n');
    const from = lines.indexOf('target new: refused');
    const rows = lines.slice(from).filter((line) => /^(utility|diversity|value) /.test(line));
    expect(rows).toHaveLength(12);
    for (const row of rows) expect(row).toMatch(/refused$/);
    expect(ran.stdout).toMatch(/ {2}- the effective sample size is 2\.33, below 10/);
    expect(ran.stdout.match(/largest weights: round a/g)).toHaveLength(1);
    expect(ran.stdout).not.toContain('\u001b');
  });

  it('names the reading of an unclear log', async () => {
    const ran = await pope('evaluate', log, '--diversity', 'none', '--level', '0.9');
    expect(ran.stdout).toContain('utility: votes; no diversity; 90% intervals (t)');
    expect(ran.stdout).not.toMatch(/^value /m);
  });

  it('--strict ends with 3 where a target is refused, and prints all the same', async () => {
    const [strict, lax] = [await pope('evaluate', log, '--strict', '--json'), await pope('evaluate', log, '--json')];
    expect([strict.code, lax.code]).toEqual([3, 0]);
    expect(strict.stdout).toBe(lax.stdout);
  });

  it('--limit moves the verdict', async () => {
    const loose = ['ess=0', 'ess_share=0', 'max_weight_share=1', 'pareto_k=50', 'mean_weight_errors=50'].flatMap(
      (limit) => ['--limit', limit],
    );
    const result = await json(log, ...loose);
    expect(result.targets.new.verdict.level).not.toBe('refused');
    const tight = await json(log, ...loose, '--limit', 'ess=3');
    expect(tight.targets.new.verdict.level).toBe('refused');
    expect(tight.targets.new.verdict.reasons[0]).toContain('below 3');
  });

  it('--html writes one file that loads nothing, whole or not at all', async () => {
    const report = path('report.html');
    const ran = await pope('evaluate', log, '--html', report, '--json');
    expect(ran.code).toBe(0);
    const html = readFileSync(report, 'utf8');
    expect(html).toMatch(/^<!doctype html>/i);
    expect(html).toMatch(/<\/html>\s*$/);
    expect(html).toContain('<svg');
    expect(html).not.toMatch(/<script|<link|<iframe|\bsrc=|@import|url\(/i);
    expect(
      [...html.matchAll(/https?:\/\/[^"'\s<]+/g)]
        .map(([url]) => url)
        .filter((url) => !url.startsWith('http://www.w3.org/')),
    ).toEqual([]);
    expect(html).toMatch(/sha256 [0-9a-f]{64}/);
    const again = path('again.html');
    await pope('evaluate', log, '--html', again, '--quiet');
    expect(readFileSync(again, 'utf8')).toBe(html);
    // a bad log must not touch the report that is there
    const bad = await pope('evaluate', write('bad.jsonl', '{"prompt": 3}\n'), '--html', report);
    expect(bad.code).toBe(2);
    expect(readFileSync(report, 'utf8')).toBe(html);
    expect(readdirSync(dirname(report)).filter((name) => name.endsWith('.tmp'))).toEqual([]);
  });

  it.skipIf(!existsSync('/dev/full'))('a full disk is exit 1, with a sentence', async () => {
    const ran = await pope('evaluate', log, '--html', '/dev/full', '--json');
    expect([ran.code, ran.stdout]).toEqual([1, '']);
    expect(ran.stderr).toMatch(/^pope: \/dev\/full cannot be written \(ENOSPC\)/);
  });

  it('escapes what a log may hold in its names', async () => {
    const records = smallLog.map((round) => ({
      ...round,
      responses: [{ ...round.responses[0], target_log_prob: { '<script>x</script>': Math.log(0.2) } }],
    }));
    const report = path('names.html');
    expect((await pope('evaluate', write('names.jsonl', jsonl(records)), '--html', report)).code).toBe(0);
    expect(readFileSync(report, 'utf8')).not.toContain('<script');
  });

  it('never prints a number that is not finite: it is null, with a warning', async () => {
    const round = {
      prompt: 'p',
      responses: [{ text: 'x', log_propensity: -1, target_log_prob: -1, feedback: { votes: 1e308 } }],
    };
    const result = await json(write('huge.jsonl', jsonl(Array.from({ length: 40 }, () => round))));
    expect(result.logging.utility.estimate).toBe(null);
    expect(result.targets.target.sensitivity.utility[0]).toEqual({ lower: null, upper: null });
    expect(result.warnings.map(({ code }: { code: string }) => code)).toContain('undefined_estimate');
  });

  it('a target that never says what was logged is refused, with 0 for ips and nothing for snips', async () => {
    const round = {
      prompt: 'p',
      responses: [{ text: 'x', log_propensity: -1, target_log_prob: null, feedback: { votes: 1 } }],
    };
    const { utility, verdict } = (await json(write('never.jsonl', jsonl([round, round, round])))).targets.target;
    expect([utility.ips.estimate, utility.snips.estimate]).toEqual([0, null]);
    expect(verdict.level).toBe('refused');
    expect(verdict.reasons[0]).toContain('no response of the log has a positive weight');
  });

  it('--on-error skip drops bad rounds and says how many', async () => {
    const file = write('holes.jsonl', `${jsonl(smallLog)}{"prompt": "p"}\nnot json\n`);
    const stopped = await pope('evaluate', file);
    expect(stopped.code).toBe(2);
    expect(stopped.stdout).toBe('');
    expect(stopped.stderr).toContain('2 errors in');
    const result = await json(file, '--on-error', 'skip');
    expect(result.log).toMatchObject({ rounds: 4, skipped: 2 });
    expect(result.warnings.map(({ code }: { code: string }) => code)).toContain('skipped_rounds');
  });

  it('--candidates shuts out responses that are none', async () => {
    const candidates = (texts: string[]) =>
      jsonl([{ prompt: 'p', candidates: texts.map((text) => ({ text, opinion: text })) }]);
    expect((await pope('evaluate', log, '--candidates', write('c.jsonl', candidates(['x', 'y', 'z', 'w'])))).code).toBe(
      0,
    );
    const ran = await pope('evaluate', log, '--candidates', write('d.jsonl', candidates(['x', 'y', 'z'])));
    expect(ran.code).toBe(2);
    expect(ran.stderr).toContain('one of the 3 candidates');
    expect(existsSync(path('nothing'))).toBe(false);
  });
});

describe('--interval bounds that not every figure has', () => {
  it('bernstein and one-sided methods leave null what they cannot bound, and say so', async () => {
    const records = Array.from({ length: 40 }, (_, i) => ({
      prompt: 'p',
      responses: [
        {
          text: 'x',
          propensity: 0.5,
          target_log_prob: Math.log(i % 2 === 0 ? 0.4 : 0.6),
          feedback: { votes: i % 3 === 0 ? 1 : 0 },
        },
      ],
    }));
    const file = write('intervals.jsonl', jsonl(records));
    for (const method of [
      ['bernstein', '--reward-range', '0,2'],
      ['hoeffding', '--reward-range', '0,2'],
      ['log-smoothing'],
      ['betting'],
    ]) {
      const { targets, warnings } = await json(file, '--diversity', 'none', '--interval', ...method);
      const { ips, snips } = targets.target.utility;
      expect(ips.lower).toBeLessThan(ips.estimate);
      expect(snips.estimate).toBeGreaterThan(0);
      expect([snips.lower, snips.upper]).toEqual([null, null]);
      expect(warnings.map(({ code }: { code: string }) => code)).toContain('no_interval');
    }
  });
});
