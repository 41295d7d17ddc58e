import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { describe, expect, it } from 'vitest';
import { pope, workFolder } from './harness.js';

const { path } = workFolder();
const evaluated = async (...argv: string[]) =>
  JSON.parse((await pope('evaluate', ...argv, '--json', '--quiet')).stdout);

describe('pope simulate', () => {
  it('then pope evaluate comes within its own error of the truth', async () => {
    for (const seed of ['1', '2', '3']) {
      const log = path(`sim${seed}.jsonl`);
      const made = await pope(
        'simulate',
        '--out',
        log,
        '--rounds',
        '2000',
        '--slate',
        '2',
        '--divergence',
        '0.7',
        '--seed',
        seed,
      );
      expect(made.code).toBe(0);
      const truth = JSON.parse(readFileSync(`${log}.truth.json`, 'utf8'));
      const { targets, logging } = await evaluated(log);
      const { utility, diversity, verdict } = targets.target;
      // four standard errors: the truth's own, exact for ips
      expect(Math.abs(utility.ips.estimate - truth.target.utility.votes)).toBeLessThan(4 * truth.ips_std_error.votes);
      expect(utility.ips.std_error / truth.ips_std_error.votes).toBeCloseTo(1, 0.5);
      expect(Math.abs(utility.snips.estimate - truth.target.utility.votes)).toBeLessThan(4 * utility.snips.std_error);
      expect(Math.abs(diversity.ips.estimate - truth.target.entropy)).toBeLessThan(4 * diversity.ips.std_error);
      expect(Math.abs(logging.utility.estimate - truth.logging.utility.votes)).toBeLessThan(
        4 * logging.utility.std_error,
      );
      expect(Math.abs(logging.diversity.estimate - truth.logging.entropy)).toBeLessThan(
        4 * logging.diversity.std_error,
      );
      expect(verdict.level).not.toBe('refused');
    }
  });

  it('writes the same bytes for the same seed, and says what it wrote', async () => {
    const [one, two, other] = ['one', 'two', 'other'].map((name) => path(`${name}.jsonl`));
    const argv = ['--rounds', '20', '--signals', 'a, b', '--slate', '3', '--noise', '0.1'];
    const ran = await pope('simulate', '--out', one, ...argv, '--seed', '5', '--json');
    await pope('simulate', '--out', two, ...argv, '--seed', '5');
    await pope('simulate', '--out', other, ...argv, '--seed', '6');
    expect(readFileSync(two, 'utf8')).toBe(readFileSync(one, 'utf8'));
    expect(readFileSync(other, 'utf8')).not.toBe(readFileSync(one, 'utf8'));
    const result = JSON.parse(ran.stdout);
    expect(result).toMatchObject({ log: one, truth_file: `${one}.truth.json`, seed: 5 });
    expect(result.truth).toEqual(JSON.parse(readFileSync(`${one}.truth.json`, 'utf8')));
    expect(Object.keys(result.truth.target.utility)).toEqual(['a', 'b']);
    expect(readFileSync(one, 'utf8').trim().split('\n')).toHaveLength(20);
    expect(readdirSync(dirname(one)).filter((name) => name.endsWith('.tmp'))).toEqual([]);
  });

  it('CSV says the same as JSONL, and candidates fit', async () => {
    const [csv, lines, candidates] = [path('same.csv'), path('same.jsonl'), path('candidates.jsonl')];
    const argv = ['--rounds', '50', '--slate', '2', '--seed', '9'];
    expect((await pope('simulate', '--out', csv, ...argv, '--candidates', candidates)).code).toBe(0);
    await pope('simulate', '--out', lines, ...argv);
    const [a, b] = [await evaluated(csv, '--candidates', candidates), await evaluated(lines)];
    expect(a.targets).toEqual(b.targets);
  });

  it('refuses what is no problem', async () => {
    const out = path('never.jsonl');
    const cases: [string[], RegExp][] = [
      [['--rounds', '0'], /--rounds is "0"/],
      [['--responses', '1'], /--responses is "1"/],
      [['--divergence', '-1'], /--divergence is "-1"/],
      [['--signals', 'a,a'], /--signals is "a,a"/],
      [['--signals', 'a,'], /--signals is "a,"/],
      [['--opinions', '11'], /opinions is 11/],
    ];
    for (const [argv, sentence] of cases) {
      const ran = await pope('simulate', '--out', out, ...argv);
      expect(ran.code).toBe(2);
      expect(ran.stderr).toMatch(sentence);
    }
    expect((await pope('simulate')).stderr).toMatch(/required option '--out <file>'/);
    expect((await pope('simulate', '--out', '-')).code).toBe(2);
    expect([existsSync(out), existsSync(`${out}.truth.json`)]).toEqual([false, false]);
  });

  it('a file that cannot be written is refused', async () => {
    const ran = await pope('simulate', '--out', `${path('one.jsonl')}/inside.jsonl`, '--rounds', '5');
    expect(ran.code).toBe(2);
    expect(ran.stderr).toMatch(/cannot be written/);
  });
});
