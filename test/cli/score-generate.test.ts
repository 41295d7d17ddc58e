import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { checkpointFiles } from '../../src/entry/checkpoint.js';
import { charTokenizer, encodePairs, gptConfig, initGpt, sequenceLogProb } from '../../src/nn/index.js';
import { seededRandom } from '../../src/random/index.js';
import { jsonl, pope, workFolder } from './harness.js';

const { path, write } = workFolder();
const tokenizer = charTokenizer('abcdef {}":123xy');
const config = gptConfig({ vocabSize: tokenizer.vocabSize, blockSize: 48, nLayer: 1, nHead: 2, nEmbd: 8 });
const params = initGpt(config, seededRandom(3));
const [model, overCandidates] = [path('model'), path('over-candidates')];

async function writeModel(folder: string, extra?: Record<string, unknown>): Promise<void> {
  mkdirSync(folder);
  const files = await checkpointFiles({ config, params, tokenizer, ...(extra && { extra }) });
  for (const [name, data] of Object.entries(files)) writeFileSync(join(folder, name), data);
}

beforeAll(async () => {
  await writeModel(model);
  await writeModel(overCandidates, { policy: 'candidates', length_exponent: 1, score_scale: 2 });
});

const rounds = [
  {
    id: 'one',
    prompt: 'ab',
    extra: { kept: [1] },
    responses: [
      { text: 'cd', propensity: 0.5, feedback: { votes: 1 }, mark: 'm' },
      { text: 'ee', propensity: 0.25, feedback: { votes: 0 } },
    ],
  },
  {
    id: 'two',
    prompt: { x: 1, a: 2 },
    responses: [{ text: 'f', propensity: 0.5, target_log_prob: -1, feedback: { votes: 1 } }],
  },
].map((round) => ({ ...round, responses: round.responses.map((response) => ({ target_log_prob: -2, ...response })) }));
const log = write('log.jsonl', jsonl(rounds));
const candidates = write(
  'candidates.jsonl',
  jsonl([
    {
      prompt: 'ab',
      candidates: [
        { text: 'cd', opinion: 'p' },
        { text: 'ee', opinion: 'q' },
        { text: 'a', opinion: 'q' },
      ],
    },
    {
      prompt: { a: 2, x: 1 },
      candidates: [
        { text: 'f', opinion: 'p' },
        { text: 'b', opinion: 'q' },
      ],
    },
  ]),
);

/** The model's own log-probability, computed apart from the command. */
const own = (prompt: string, response: string): number =>
  sequenceLogProb(params, config, encodePairs(tokenizer, [prompt], [response], config.blockSize)).dataSync()[0];
const record = '{"a":2,"x":1}';
const readLines = (file: string) =>
  readFileSync(file, 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));

describe('pope score', () => {
  it("fills in the model's log-probabilities and leaves all else", async () => {
    const out = path('scored.jsonl');
    const ran = await pope('score', model, log, '--out', out, '--json');
    expect(ran.code).toBe(0);
    const scored = readLines(out);
    const expected = [[own('ab', 'cd'), own('ab', 'ee')], [own(record, 'f')]];
    scored.forEach((round, i) => {
      round.responses.forEach((response: { target_log_prob: Record<string, number> }, j: number) => {
        expect(response.target_log_prob['model']).toBeCloseTo(expected[i][j], 5);
      });
      const before = {
        ...rounds[i],
        responses: rounds[i].responses.map((r) => ({ ...r, target_log_prob: { target: r.target_log_prob } })),
      };
      const after = {
        ...round,
        responses: round.responses.map((r: { target_log_prob: object }) => ({
          ...r,
          target_log_prob: { target: (r.target_log_prob as { target: number }).target },
        })),
      };
      expect(after).toEqual(before);
    });
    expect(JSON.parse(ran.stdout)).toMatchObject({
      log: out,
      name: 'model',
      rounds: 2,
      responses: 3,
      skipped: 0,
      never_said: 0,
    });
    const evaluated = JSON.parse((await pope('evaluate', out, '--json', '--quiet')).stdout);
    const direct = JSON.parse((await pope('evaluate', log, '--target', `model=${model}`, '--json', '--quiet')).stdout);
    expect(evaluated.targets.model.utility).toEqual(direct.targets.model.utility);
    expect(evaluated.targets.model.diagnostics).toEqual(direct.targets.model.diagnostics);
  });

  it('normalises over candidates where they are given', async () => {
    const out = path('finite.jsonl');
    expect((await pope('score', model, log, '--out', out, '--name', 'new', '--candidates', candidates)).code).toBe(0);
    const weights = ['cd', 'ee', 'a'].map((text) => Math.exp(own('ab', text)));
    const total = weights[0] + weights[1] + weights[2];
    const [first, second] = readLines(out);
    expect(first.responses[0].target_log_prob.new).toBeCloseTo(Math.log(weights[0] / total), 5);
    expect(first.responses[1].target_log_prob.new).toBeCloseTo(Math.log(weights[1] / total), 5);
    expect(second.responses[0].target_log_prob.new).toBeCloseTo(
      -Math.log1p(Math.exp(own(record, 'b') - own(record, 'f'))),
      5,
    );
  });

  it('knows a policy over candidates, its length exponent and scale, and its exact class probabilities', async () => {
    const refused = await pope('evaluate', log, '--target', `new=${overCandidates}`);
    expect(refused.code).toBe(2);
    expect(refused.stderr).toMatch(/trained over candidates; expected --candidates/);
    const argv = [
      '--target',
      `new=${overCandidates}`,
      '--candidates',
      candidates,
      '--json',
      '--quiet',
      '--estimators',
      'ips',
    ];
    const { targets } = JSON.parse((await pope('evaluate', log, ...argv, '--diversity', 'coverage')).stdout);
    const scores = ['cd', 'ee', 'a'].map((text) => (2 * own('ab', text)) / (text.length + 1));
    const total = scores.reduce((sum, s) => sum + Math.exp(s), 0);
    const [cd, ee, a] = scores.map((s) => Math.exp(s) / total);
    const two = [own(record, 'f'), own(record, 'b')].map(Math.exp);
    const f = two[0] / (two[0] + two[1]);
    expect(targets.new.utility.ips.estimate).toBeCloseTo((cd / 0.5 / 2 + f / 0.5) / 2, 5);
    // -log pi(class): cd alone is p; ee and a are q
    const first = ((cd / 0.5) * -Math.log(cd) + (ee / 0.25) * -Math.log(ee + a)) / 2;
    expect(targets.new.diversity.ips.estimate).toBeCloseTo((first + (f / 0.5) * -Math.log(f)) / 2, 5);
  });

  it('refuses what it cannot score', async () => {
    const out = path('never.jsonl');
    const cases: [string[], RegExp][] = [
      [[path('nowhere'), log], /nowhere is no folder; expected a checkpoint folder/],
      [[model, '-'], /is "-"; expected a file/],
      [[model, path('nowhere.jsonl')], /does not exist/],
      [[model, log, '--name', 'target'], /--name is "target"/],
      [
        [model, write('long.jsonl', jsonl([{ prompt: 'a', responses: [{ text: 'b'.repeat(100) }] }]))],
        /a response has 100 tokens/,
      ],
    ];
    for (const [argv, sentence] of cases) {
      const ran = await pope('score', ...argv, '--out', out);
      expect(ran.stderr).toMatch(sentence);
      expect([ran.code, ran.stdout]).toEqual([2, '']);
    }
    expect(() => readFileSync(out)).toThrow('ENOENT');
  });

  it('names the damaged file of a checkpoint', async () => {
    for (const [file, damage] of [
      ['config.json', '{'],
      ['model.safetensors', 'x'],
      ['tokenizer.json', '{}'],
      ['trainer_state.json', '['],
    ] as const) {
      const folder = path(`damaged-${file}`);
      await writeModel(folder, {});
      writeFileSync(join(folder, file), damage);
      const ran = await pope('evaluate', log, '--target', `new=${folder}`);
      expect([ran.code, ran.stdout]).toEqual([2, '']);
      expect(ran.stderr).toMatch(/^pope: .*(config|tokenizer|safetensors|trainer_state)/);
      rmSync(folder, { recursive: true });
    }
  });
});

describe('pope generate', () => {
  it('samples the same for the same seed, with probabilities that add up', async () => {
    const argv = ['generate', model, '--prompt', 'ab', '--n', '3', '--max-tokens', '5', '--seed', '4', '--json'];
    const [one, two] = [await pope(...argv), await pope(...argv)];
    expect(one.code).toBe(0);
    expect(one.stderr).toBe('');
    expect(two.stdout).toBe(one.stdout);
    const { responses, sampling } = JSON.parse(one.stdout);
    expect(responses).toHaveLength(3);
    expect(sampling).toEqual({ temperature: 1, top_k: null, top_p: null, max_tokens: 5 });
    for (const r of responses) {
      expect(r.token_log_probs.reduce((sum: number, p: number) => sum + p, 0)).toBeCloseTo(r.model_log_prob, 10);
      expect(r.sampled_log_probs.reduce((sum: number, p: number) => sum + p, 0)).toBeCloseTo(r.log_propensity, 10);
      expect(r.model_log_prob).toBeCloseTo(r.log_propensity, 6);
      if (r.finished) expect(r.model_log_prob).toBeCloseTo(own('ab', r.text), 4);
    }
  });

  it('with one token to choose from, that token is certain', async () => {
    const ran = await pope('generate', model, '--prompt', 'ab', '--top-k', '1', '--max-tokens', '2', '--json');
    const [r] = JSON.parse(ran.stdout).responses;
    expect(r.log_propensity).toBeCloseTo(0, 12);
    expect(r.model_log_prob).toBeLessThan(-1);
  });

  it('the propensity is that of the sampler: at temperature 1/2 its log-odds are twice those of the model', async () => {
    const argv = ['--n', '30', '--temperature', '0.5', '--max-tokens', '1', '--json'];
    const { responses } = JSON.parse((await pope('generate', model, '--prompt', 'ab', ...argv)).stdout);
    const [first, ...rest] = responses;
    const others = rest.filter((r: { tokens: number[] }) => r.tokens[0] !== first.tokens[0]);
    expect(others.length).toBeGreaterThan(0);
    for (const r of others) {
      const odds = r.log_propensity - first.log_propensity;
      expect(odds).toBeCloseTo(2 * (r.model_log_prob - first.model_log_prob), 10);
    }
  });

  it('prints texts for people, and warns of a policy over candidates', async () => {
    const ran = await pope('generate', overCandidates, '--prompt', 'ab', '--max-tokens', '3');
    expect(ran.stdout).toMatch(/\[log-probability under the sampler −[\d.]+ nats, \d tokens.*\]\n$/);
    expect(ran.stderr).toMatch(/\[candidate_policy\]/);
  });

  it("prints the model's own log-probability where the sampler's differs", async () => {
    const ran = await pope('generate', model, '--prompt', 'ab', '--top-k', '1', '--max-tokens', '2');
    expect(ran.stdout).toMatch(/under the sampler 0 nats, under the model −[\d.]+ nats, 1 token\]/);
  });

  it('says that a prompt was cut, and only then', async () => {
    const argv = ['--max-tokens', '2', '--json'];
    // three quarters of the 48 positions
    expect((await pope('generate', model, '--prompt', 'a'.repeat(36), ...argv)).stderr).toBe('');
    const cut = await pope('generate', model, '--prompt', 'a'.repeat(37), ...argv);
    expect(cut.stderr).toMatch(/the prompt has 37 tokens; only the last 36 were read.*\[prompt_cut\]/);
    expect(cut.code).toBe(0);
  });

  it('text for a terminal has no control characters; JSON is exact', async () => {
    const folder = path('controls');
    const steering = charTokenizer('a\u001b\u0007\n\t\u009b');
    const small = gptConfig({ ...config, vocabSize: steering.vocabSize });
    const files = await checkpointFiles({
      config: small,
      params: initGpt(small, seededRandom(1)),
      tokenizer: steering,
    });
    mkdirSync(folder);
    for (const [name, data] of Object.entries(files)) writeFileSync(join(folder, name), data);
    const argv = ['generate', folder, '--prompt', 'a', '--n', '20', '--max-tokens', '8', '--seed', '2'];
    const { responses } = JSON.parse((await pope(...argv, '--json')).stdout);
    const exact = responses.map(({ text }: { text: string }) => text);
    for (const character of ['\u001b', '\u0007', '\n', '\t', '\u009b']) expect(exact.join('')).toContain(character);
    const { stdout } = await pope(...argv);
    expect(stdout).not.toMatch(/[^\P{Cc}\n\t]/u);
    for (const text of exact) expect(stdout).toContain(text.replace(/[^\P{Cc}\n\t]/gu, '\ufffd'));
  });

  it('refuses bad options', async () => {
    for (const argv of [
      ['--temperature', '-1'],
      ['--top-p', '0'],
      ['--top-p', '1.1'],
      ['--top-k', '0'],
      ['--n', '0'],
      ['--max-tokens', '0'],
    ]) {
      const ran = await pope('generate', model, '--prompt', 'a', ...argv);
      expect([ran.code, ran.stdout]).toEqual([2, '']);
      expect(ran.stderr).toContain(`${argv[0]} is "${argv[1]}"`);
    }
    expect((await pope('generate', model)).stderr).toMatch(/required option '--prompt <text>'/);
  });
});
