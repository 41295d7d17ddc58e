import { existsSync, readdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { Command } from 'commander';
import { describe, expect, it } from 'vitest';
import { registerDoctor } from '../../src/cli/commands/doctor.js';
import { simdModule } from '../../src/cli/doctor/machine.js';
import { matmulSpeed } from '../../src/cli/doctor/matmul-speed.js';
import { runSelfChecks, type SelfCheck, selfChecks } from '../../src/cli/doctor/self-checks.js';
import { jsonlText, simulateLog } from '../../src/data/index.js';
import { writeFileAtomic } from '../../src/data/node.js';
import { seededRandom } from '../../src/random/index.js';
import { version } from '../../src/version.js';
import { jsonl, pope, smallLog, workFolder } from './harness.js';

const { path, write } = workFolder();
const simulated = (seed = 1) =>
  simulateLog({
    rounds: 400,
    slate: 2,
    responses: 6,
    contexts: 3,
    divergence: 0.5,
    signals: ['votes'],
    random: seededRandom(seed),
  });

describe('pope lint', () => {
  it('groups by severity, with counts, codes, rounds and hints', async () => {
    const records = simulated().records;
    const bad = records.map((r, i) => ({
      ...r,
      responses: r.responses.map((s) => ({ ...s, log_propensity: 0, opinion: i === 2 ? undefined : s.opinion })),
    }));
    const { code, stdout, stderr } = await pope('lint', write('bad.jsonl', jsonl(bad)));
    expect([code, stderr]).toEqual([0, '']);
    expect(stdout).toMatch(
      /bad\.jsonl: 400 rounds, 800 responses \(2 a round\), propensities logged\n\n1 error\n {2}the propensities of all 800 responses are exactly 1, yet /,
    );
    expect(stdout).toMatch(/\[placeholder_propensity\]\n {4}rounds: round\d+(, round\d+){4}\n {4}Log the probability/);
    expect(stdout).toMatch(
      /\n1 warning\n {2}opinion is missing on 2 of 800 responses\. \[partial_opinions\]\n {4}rounds: round2\n/,
    );
    expect(stdout).toMatch(/\n1 error, 1 warning, \d notes\n$/);
  });

  it('a clean log: nothing but a note; --json prints version, log and findings', async () => {
    const { records, candidates } = simulated();
    const log = write('clean.jsonl', jsonl(records));
    const ran = await pope('lint', log, '--candidates', write('space.jsonl', jsonl(candidates)), '--json', '--strict');
    expect([ran.code, ran.stderr]).toEqual([0, '']);
    const { findings, ...rest } = JSON.parse(ran.stdout);
    expect(rest).toEqual({
      version,
      log: {
        file: log,
        rounds: 400,
        responses: 800,
        skipped: 0,
        mean_slate: 2,
        propensity: 'logged',
        signals: ['votes'],
        targets: ['target'],
      },
    });
    expect(findings).toEqual([
      {
        code: 'repeated_prompts',
        severity: 'info',
        message: expect.stringMatching(/^400 rounds have 3 prompts and no cluster; "x\d" is in \d+ of them\.$/),
        rounds: expect.arrayContaining([expect.stringMatching(/^round\d+$/)]),
        hint: expect.stringMatching(/name it as cluster/),
      },
    ]);
    expect((await pope('lint', log)).stdout).toMatch(/no errors, no warnings, 1 note\n$/);
  });

  it('what other commands refuse is a finding; --strict exits with 3', async () => {
    const log = write('half.jsonl', `${jsonl(smallLog)}{"prompt": 1}\nnot json\n`);
    expect((await pope('evaluate', log)).code).toBe(2);
    const ran = await pope('lint', log, '--json');
    expect(ran.code).toBe(0);
    const { log: about, findings } = JSON.parse(ran.stdout);
    expect(about).toMatchObject({ rounds: 4, skipped: 2 });
    // the prompt and the responses of line 5 are two faults of one round
    expect(findings.filter((f: { severity: string }) => f.severity === 'error')).toEqual([
      expect.objectContaining({ code: 'bad_round', rounds: ['line 5'] }),
      expect.objectContaining({ code: 'bad_round', rounds: ['line 5'] }),
      expect.objectContaining({ code: 'malformed_line', rounds: ['line 6'] }),
    ]);
    expect((await pope('lint', log, '--strict')).code).toBe(3);
    expect((await pope('lint', log)).stdout).toMatch(/half\.jsonl: 4 rounds, 2 skipped, 4 responses/);
  });

  it('exit 2 where nothing can be read', async () => {
    const none = await pope('lint', write('none.jsonl', '{"prompt": 1}\n'), '--json');
    expect(none.code).toBe(2);
    expect(JSON.parse(none.stdout)).toMatchObject({
      log: { rounds: 0, skipped: 1, mean_slate: null },
      findings: [{}, {}],
    });
    const cases: [string[], RegExp][] = [
      [[path('missing.jsonl')], /missing\.jsonl/],
      [[write('empty.jsonl', '')], /holds no rounds; expected at least one/],
      [[write('table.csv', 'a,b\n1,2\n')], /the header is "a, b"; expected the columns prompt and response/],
      [['log.parquet'], /Parquet is not read yet/],
      [
        [write('small.jsonl', jsonl(smallLog)), '--signal', 'likes'],
        /signal is "likes"; expected a signal of the log \(votes\)/,
      ],
      [[write('small.jsonl', jsonl(smallLog)), '--signal', 'votes:square'], /--signal votes:square/],
      [[], /missing required argument 'log'/],
    ];
    for (const [argv, sentence] of cases) {
      const ran = await pope('lint', ...argv);
      expect(ran.code).toBe(2);
      expect(ran.stdout).toBe('');
      expect(ran.stderr).toMatch(sentence);
    }
  });

  it('--signal limits the look, and its transform has a domain', async () => {
    const records = smallLog.map((r, i) => ({
      ...r,
      responses: r.responses.map((s) => ({ ...s, feedback: { votes: i - 2, same: 1 } })),
    }));
    const log = write('signals.jsonl', jsonl(records));
    const codes = async (...argv: string[]): Promise<string[]> =>
      JSON.parse((await pope('lint', log, '--json', ...argv)).stdout).findings.map((f: { code: string }) => f.code);
    expect(await codes()).toContain('constant_feedback');
    expect(await codes('--signal', 'votes')).not.toContain('constant_feedback');
    expect(await codes('--signal', 'votes')).not.toContain('signal_outside_domain');
    expect(await codes('--signal', 'votes:log1p')).toContain('signal_outside_domain');
  });

  it('gzip and CSV are read, and texts of the log cannot move the cursor', async () => {
    const file = path('log.csv.gz');
    await writeFileAtomic(file, gzipSync('id,prompt,response,propensity\n\u001b[2Jx,p,y,nan\nok,p,y,0.5\n'));
    const { code, stdout } = await pope('lint', file);
    expect(code).toBe(0);
    expect(stdout).toMatch(/propensity is NaN/);
    expect(stdout).not.toContain('\u001b');
  });

  it('writes nothing', async () => {
    const log = write('untouched.jsonl', jsonlText(simulated().records));
    const before = readdirSync(dirname(log)).sort();
    await pope('lint', log);
    expect(readdirSync(dirname(log)).sort()).toEqual(before);
  });
});

describe('pope doctor', () => {
  it('measures, checks itself and describes the machine', async () => {
    const { code, stdout, stderr } = await pope('doctor', '--json');
    expect([code, stderr]).toEqual([0, '']);
    const { version: own, ok, machine, backends, self_checks } = JSON.parse(stdout);
    expect([own, ok]).toEqual([version, true]);
    expect(machine.node).toBe(process.version);
    expect(machine.memory.total).toBeGreaterThanOrEqual(machine.memory.free);
    expect(machine).toMatchObject({ workers: true, shared_array_buffer: true, demo_data: true });
    expect(machine.working_folder.path).toBe(process.cwd());
    const [wasm, js, ...others] = backends;
    expect(wasm).toMatchObject({ name: 'wasm', available: true, default: true });
    expect(js).toMatchObject({ name: 'js', available: true, default: false });
    for (const { matmul_gflops: speed } of [wasm, js]) {
      expect(speed.float32).toBeGreaterThan(0);
      expect(speed.float64).toBeGreaterThan(0);
    }
    // there or not, it says what it found
    const [gpu, ...more] = others;
    expect(more).toEqual([]);
    expect(gpu).toMatchObject({ name: 'gpu', default: false });
    if (gpu.available)
      expect([gpu.matmul_gflops.float32 > 0, gpu.adapter]).toEqual([true, expect.stringMatching(/^web/)]);
    else expect([gpu.matmul_gflops, gpu.reason]).toEqual([null, expect.stringMatching(/no GPU|WebGPU/)]);
    expect(self_checks.map((check: { ok: boolean }) => check.ok)).toEqual([true, true, true, true]);
  });

  const doctorWith = async (checks: readonly SelfCheck[], ...argv: string[]) => {
    let stdout = '';
    const sink = { write: (text: string) => void (stdout += text) };
    const context = { io: { stdout: sink, stderr: sink }, exitCode: 0 };
    const program = new Command('pope').exitOverride();
    registerDoctor(program, context, checks);
    await program.parseAsync(['doctor', ...argv], { from: 'user' });
    return { code: context.exitCode, stdout };
  };

  it('exit 1 where a self-check fails, throws or is not finite, each named', async () => {
    const { code, stdout } = await doctorWith([
      { name: 'right', limit: 1e-6, error: () => 1e-7 },
      { name: 'off', limit: 1e-6, error: () => 1e-5 },
      { name: 'lost', limit: 1e-6, error: () => Number.NaN },
      {
        name: 'thrown',
        limit: 1e-6,
        error: () => {
          throw new Error('no such kernel');
        },
      },
    ]);
    expect(code).toBe(1);
    expect(stdout).toMatch(
      /right +ok +1\.0e-7 +1e-6\noff +FAILED +1\.0e-5 +1e-6\nlost +FAILED +not finite .*\nthrown +FAILED +no such kernel/,
    );
    expect(stdout).toMatch(/3 of 4 self-checks FAILED: do not trust a number of this installation\.\n$/);
  });

  it('says so in words where all is well', async () => {
    const { code, stdout } = await doctorWith(selfChecks);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^here\n.*\npope-ts +\d/);
    expect(stdout).toMatch(
      /\nwasm +default +[\d.]+ +[\d.]+\njs +[\d.]+ +[\d.]+\ngpu +(not available|web[^\n]+?) +(— +—|[\d.]+ +—)\n/,
    );
    expect(stdout).toMatch(/All self-checks passed\.\n$/);
  });

  it('its own checks are tight: their errors are not 0 by not looking', () => {
    const results = runSelfChecks(selfChecks);
    const byName = new Map(results.map((result) => [result.name, result]));
    // float32 rounds, and differences are no derivatives
    expect(byName.get('matmul float32 against float64')!.error).toBeGreaterThan(1e-10);
    expect(byName.get('gradient against central differences')!.error).toBeGreaterThan(0);
    expect(results.every(({ ok }) => ok)).toBe(true);
  });

  it('speed is 2 n^3 over the median time, by the clock that it is given', () => {
    let time = 0;
    // every look at the clock is a millisecond later: each product takes 1 ms
    const { gflops, runs } = matmulSpeed('float32', { size: 8, milliseconds: 20, now: () => time++ });
    expect(gflops).toBeCloseTo((2 * 8 ** 3) / 1e6, 12);
    expect(runs).toBeGreaterThanOrEqual(3);
  });

  it('the SIMD module is valid here, and is not by accident: a wrong opcode makes it invalid', () => {
    const { WebAssembly } = globalThis as unknown as { WebAssembly: { validate(bytes: Uint8Array): boolean } };
    expect(WebAssembly.validate(simdModule)).toBe(true);
    const wrong = simdModule.with(simdModule.length - 3, 255);
    expect(WebAssembly.validate(wrong)).toBe(false);
  });
});

const data = fileURLToPath(new URL('../../../shared/data/', import.meta.url));
const here = existsSync(data);
const guide = new URL('../../docs/guide/', import.meta.url);

describe.skipIf(!here)(here ? 'real logs' : `real logs (skipped: ${data} is not here)`, () => {
  const found = async (records: readonly unknown[]): Promise<string[]> => {
    const { stdout } = await pope('lint', write('real.jsonl', jsonl(records)), '--json');
    return JSON.parse(stdout).findings.map((f: { severity: string; code: string }) => `${f.code} ${f.severity}`);
  };

  it('arena: the noise of the clone and the missing support of unhelpful, nothing else', async () => {
    const { arenaRounds } = await import(new URL('convert-arena.mjs', guide).href);
    const rounds = arenaRounds(`${data}arena-llm-log`);
    expect(await found(rounds)).toEqual(['noisy_propensity warning', 'mean_weight_off warning']);
    // the same with a mean over (about four characters a) token in place of the sum
    const averaged = rounds.map((round: { responses: { text: string; log_propensity: number }[] }) => {
      const { target_log_prob: _, ...response } = round.responses[0] as Record<string, unknown>;
      const { text, log_propensity } = round.responses[0];
      return {
        ...round,
        responses: [{ ...response, log_propensity: (4 * log_propensity) / Math.max(4, text.length) }],
      };
    });
    expect(await found(averaged)).toEqual(['flat_length_slope warning']);
  });

  it('open bandit: random is clean, bts changes over time', async () => {
    const { obdRounds } = await import(new URL('convert-obd.mjs', guide).href);
    expect(await found(obdRounds(`${data}obd`, 'random', 'men', 'bts'))).toEqual(['repeated_prompts info']);
    expect(await found(obdRounds(`${data}obd`, 'bts', 'men', 'uniform'))).toEqual([
      'varying_propensity info',
      'repeated_prompts info',
    ]);
  });
});
