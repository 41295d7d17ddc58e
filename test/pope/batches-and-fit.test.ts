import { describe, expect, it } from 'vitest';
import { foldsOf, logFromRecords } from '../../src/data/index.js';
import { batchDrawer } from '../../src/pope/batch-drawer.js';
import { crossFit, evaluationRows, fitLogging, scoreRows, selectRows } from '../../src/pope/index.js';
import { seededRandom } from '../../src/random/index.js';
import { enumeratedLog, family, logits, rowsOf } from './enumerated-log.js';

describe('batches', () => {
  const sizes = [1, 3, 8];
  const log = logFromRecords(
    sizes.flatMap((n, p) =>
      Array.from({ length: n }, (_, i) => ({
        prompt: `x${p}`,
        responses: [{ text: `${p}-${i}`, propensity: 0.5, feedback: { up: 1 } }],
      })),
    ),
  );
  const rows = evaluationRows(log, null);
  const rounds = 12;

  it.each([
    ['of any prompts', undefined],
    ['of one prompt', 1],
    ['of two prompts', 2],
  ])('%s: every round has the same chance', (_, promptsPerBatch) => {
    const draw = batchDrawer(rows, 6, promptsPerBatch);
    const random = seededRandom(11);
    const draws = 1500;
    const seen = new Map<string, number[]>();
    for (let k = 0; k < draws; k++) {
      const { responses, prompts } = draw(random);
      expect(responses.length).toBe(6);
      if (promptsPerBatch !== undefined) expect(new Set(prompts).size).toBeLessThanOrEqual(promptsPerBatch);
      const counts = new Map<string, number>();
      for (const text of responses) counts.set(text, (counts.get(text) ?? 0) + 1);
      for (const text of log.responses) seen.set(text, [...(seen.get(text) ?? []), counts.get(text) ?? 0]);
    }
    for (const counts of seen.values()) {
      const mean = counts.reduce((s, c) => s + c, 0) / draws;
      const error = Math.sqrt(counts.reduce((s, c) => s + (c - mean) ** 2, 0) / draws / (draws - 1));
      expect(Math.abs(mean - 6 / rounds)).toBeLessThan(4.5 * error);
    }
  });

  it('a batch larger than the log is the whole log, once', () => {
    const { responses } = batchDrawer(rows, 100, undefined)(seededRandom(0));
    expect(responses.toSorted()).toEqual([...log.responses].toSorted());
  });
});

describe('scores of rows', () => {
  it('keep the order of the rows, however prompts are mixed', async () => {
    const texts = ['a', 'b', 'c'];
    const log = logFromRecords(
      Array.from({ length: 50 }, (_, i) => ({
        prompt: `x${i % 2}`,
        responses: [{ text: texts[i % 3] }, { text: texts[(i + 1) % 3] }],
      })),
    );
    const rows = evaluationRows(log, null, { withoutPropensity: true });
    const policy = family.bind(
      logits([
        [0.1, 0.5, -1],
        [2, 0, 1],
      ]),
    );
    const expected = log.responses.map((text, j) => policy.logProb([log.prompts[j >> 1]], [text]).item());
    expect([...(await scoreRows(policy, rows))]).toEqual(expected);
    expect([...(await scoreRows({ logProb: policy.logProb }, rows))]).toEqual(expected);
  });
  it('are refused where they are NaN', async () => {
    await expect(
      scoreRows(
        family.bind(
          logits([
            [Number.NaN, 0, 0],
            [0, 0, 0],
          ]),
        ),
        rowsOf(enumeratedLog()),
      ),
    ).rejects.toThrow(/is NaN; expected finite parameters/);
  });
});

describe('the fit of pi0', () => {
  const log = enumeratedLog({ propensities: false });
  const rows = evaluationRows(log, null, { withoutPropensity: true });
  const options = { family, rows, start: () => logits(), steps: 120, batch: 16, learningRate: 0.2, seed: 3 };
  const folds = foldsOf(log, 4, seededRandom(1));

  it('scores no round with a model that saw its fold: changing a fold changes nothing inside it', async () => {
    const scores = await crossFit({ ...options, folds });
    // the rounds of fold 0 answer otherwise: the models of the other folds change, that of fold 0 does not
    const changed = { ...log, responses: log.responses.map((text, j) => (folds[j] === 0 ? 'c' : text)) };
    const rowsChanged = evaluationRows(changed, null, { withoutPropensity: true });
    const other = await crossFit({ ...options, rows: rowsChanged, folds });
    const c = (x: number) =>
      scores[log.responses.findIndex((text, j) => folds[j] === 0 && text === 'c' && log.prompts[j] === `x${x}`)];
    folds.forEach((fold, j) => {
      if (fold === 0 && log.responses[j] === 'c') expect(other[j]).toBe(scores[j]);
      if (fold === 0 && log.responses[j] !== 'c') {
        const known = c(log.prompts[j] === 'x0' ? 0 : 1);
        if (known !== undefined) expect(other[j]).toBe(known);
      }
    });
    expect(other.some((score, j) => folds[j] !== 0 && Math.abs(score - scores[j]) > 0.1)).toBe(true);
  });

  it('is the frequency among the other folds, and lower than in sample on average', async () => {
    const { logPropensity, model } = await fitLogging({ ...options, steps: 400, folds });
    log.responses.forEach((text, j) => {
      const others = log.responses
        .map((t, k) => ({ t, k }))
        .filter(({ k }) => folds[k] !== folds[j] && log.prompts[k] === log.prompts[j]);
      const share = others.filter(({ t }) => t === text).length / others.length;
      expect(Math.exp(logPropensity[j])).toBeCloseTo(share, 1);
    });
    const inSample = await scoreRows(family.bind(model.params), rows);
    const mean = (values: Float64Array) => values.reduce((s, v) => s + v, 0) / values.length;
    expect(mean(logPropensity)).toBeLessThan(mean(inSample) - 0.01);
    expect(model.stopped.reason).toBe('done');
  });

  it('keeps clusters whole, and tells its progress by fold', async () => {
    const clustered = { ...log, clusters: log.ids.map((_, i) => `u${i % 5}`) };
    const own = foldsOf(clustered, 3, seededRandom(0));
    for (let i = 5; i < own.length; i++) expect(own[i]).toBe(own[i % 5]);
    const seen: string[] = [];
    await fitLogging({ ...options, steps: 2, folds: own, onStep: (fold, step) => void seen.push(`${fold}.${step}`) });
    expect(seen).toEqual(['0.1', '0.2', '1.1', '1.2', '2.1', '2.2', '3.1', '3.2']);
  });

  it('refuses folds that do not fit, and a fit that was stopped', async () => {
    const refused = (over: Partial<Parameters<typeof crossFit>[0]>, message: RegExp) =>
      expect(crossFit({ ...options, folds, ...over } as Parameters<typeof crossFit>[0])).rejects.toThrow(message);
    await refused({ folds: folds.slice(1) }, /^folds.length is 15; expected 16/);
    await refused({ folds: new Int32Array(16) }, /^folds is 1; expected at least 2 folds/);
    await refused({ folds: folds.map((f) => (f === 1 ? 0 : f)) }, /Fold 1 holds 0 of 16/);
    await refused({ signal: AbortSignal.abort() }, /the fit of pi0 ended early/);
  });

  it('rows of a part are scored like those of the whole', async () => {
    const policy = family.bind(
      logits([
        [1, 0, 0],
        [0, 1, 2],
      ]),
    );
    const all = await scoreRows(policy, rows);
    const part = [13, 2, 7];
    expect([...(await scoreRows(policy, selectRows(rows, part)))]).toEqual(part.map((i) => all[i]));
  });
});
