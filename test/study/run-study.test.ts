import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fc, test } from '@fast-check/vitest';
import { afterAll, describe, expect } from 'vitest';
import { noProgress } from '../../src/cli/progress.js';
import { type RunStudyOptions, runStudy } from '../../src/cli/study/run-study.js';
import { parseCsvRows } from '../../src/study/csv-rows.js';
import { type Json, renderPage, type Study } from '../../src/study/index.js';
import {
  above,
  barOf,
  below,
  meanOf,
  meanOfGroups,
  shareOf,
  shareOfGroups,
  showMean,
} from '../../src/study/summary.js';

const root = mkdtempSync(join(tmpdir(), 'pope-study-'));
afterAll(() => rmSync(root, { recursive: true }));
let made = 0;
const folder = (): string => join(root, `out-${made++}`);

/** A study of a few cells that tells which of them ran. */
function counting(cells: number, onRun: (key: string) => void = () => undefined): Study {
  return {
    name: 'counting',
    question: 'Does it count?',
    needs: [],
    version: 1,
    cells: async ({ seed }) =>
      Array.from({ length: cells }, (_, i) => ({
        key: `cell ${i}`,
        run: () => {
          onRun(`cell ${i}`);
          return { i, value: seed + i };
        },
      })),
    page: (records) => ({
      sentence: `The sum is ${records.reduce<number>((sum, r) => sum + (r as { value: number }).value, 0)}.`,
      findings: [{ holds: 'yes', text: `${records.length} cells.` }],
      figures: [{ suffix: '', svg: '<svg xmlns="http://www.w3.org/2000/svg"></svg>', caption: 'Nothing.' }],
      sections: [{ title: 'All', body: JSON.stringify(records) }],
    }),
  };
}
const options = (out: string, over: Partial<RunStudyOptions> = {}): RunStudyOptions => ({
  seed: 3,
  size: 'full',
  data: root,
  out,
  fresh: false,
  signal: new AbortController().signal,
  progress: noProgress,
  say: () => undefined,
  ...over,
});
const written = (out: string): Record<string, string> =>
  Object.fromEntries(
    readdirSync(out)
      .filter((name) => name !== '.cache')
      .map((name) => [name, readFileSync(join(out, name), 'utf8')]),
  );

describe('a study', () => {
  test.prop([fc.integer({ min: 1, max: 6 }), fc.nat({ max: 5 })], { numRuns: 20 })(
    'that was cut goes on where it was, and comes to the bytes of one that was not',
    async (cells, cut) => {
      const [whole, resumed] = [folder(), folder()];
      await runStudy(counting(cells), options(whole));
      const controller = new AbortController();
      const ran: string[] = [];
      const stopping = counting(cells, (key) => {
        ran.push(key);
        // the cell before the one at which it stops is kept
        if (ran.length === cut) controller.abort();
      });
      const first = runStudy(stopping, options(resumed, { signal: controller.signal }));
      if (cut >= 1 && cut <= cells) {
        await expect(first).rejects.toMatchObject({ code: 'aborted' });
        const again: string[] = [];
        await runStudy(
          counting(cells, (key) => void again.push(key)),
          options(resumed),
        );
        expect(ran.length + again.length).toBeLessThanOrEqual(cells + 1);
        expect(new Set([...ran, ...again]).size).toBe(cells);
      } else await first;
      expect(written(resumed)).toEqual(written(whole));
    },
  );

  test('of other settings does not go on with what was kept; --fresh forgets it', async () => {
    const out = folder();
    const stop = async (over: Partial<RunStudyOptions>): Promise<string[]> => {
      const controller = new AbortController();
      const ran: string[] = [];
      const study = counting(4, (key) => {
        ran.push(key);
        if (key === 'cell 2') controller.abort();
      });
      await expect(runStudy(study, options(out, { signal: controller.signal, ...over }))).rejects.toThrow(
        /was stopped after/,
      );
      return ran;
    };
    expect(await stop({})).toEqual(['cell 0', 'cell 1', 'cell 2']);
    expect(await stop({ seed: 4 })).toEqual(['cell 0', 'cell 1', 'cell 2']);
    expect(await stop({ seed: 4 })).toEqual(['cell 2']);
    expect(await stop({ seed: 4, fresh: true })).toEqual(['cell 0', 'cell 1', 'cell 2']);
  });

  test('is read from its records alone: page and figures can be made again from the JSON', async () => {
    const out = folder();
    const study = counting(3);
    const result = await runStudy(study, options(out));
    const stored = JSON.parse(readFileSync(join(out, 'counting.json'), 'utf8')) as { records: Json[] };
    expect(study.page(stored.records)).toEqual(study.page(result.records));
    expect(readFileSync(join(out, 'counting.md'), 'utf8')).toContain(
      renderPage(study, study.page(stored.records), '').slice(0, 200),
    );
    expect(readdirSync(join(out, '.cache'))).toEqual([]);
  });

  test('that lacks its data says which, before it begins', async () => {
    const ran: string[] = [];
    const study = { ...counting(1, (key) => void ran.push(key)), needs: ['obd', 'polis'] };
    await expect(runStudy(study, options(folder()))).rejects.toThrow(
      /expected a folder with obd, polis in it, but obd, polis are not there/,
    );
    expect(ran).toEqual([]);
  });

  test('quick never takes the place of a full one, nor makes its page', async () => {
    const out = folder();
    await runStudy(counting(2), options(out));
    const before = written(out);
    for (const over of [{}, { fresh: true }])
      await expect(runStudy(counting(1), options(out, { size: 'quick', ...over }))).rejects.toThrow(
        /counting.json is of a full run, which --size quick would overwrite; expected another --out/,
      );
    await expect(runStudy(counting(2), options(out, { size: 'quick', pageOnly: true }))).rejects.toThrow(
      /--size is quick, but .*counting.json is of a full run; expected --page without --size/,
    );
    expect(written(out)).toEqual(before);
    const other = folder();
    await runStudy(counting(1), options(other, { size: 'quick' }));
    await runStudy(counting(1), options(other, { size: 'quick', seed: 9 }));
    await runStudy(counting(2), options(other));
    expect(written(other)['counting.md']).toBe(before['counting.md']);
  });

  test('quick, or of another seed, leaves alone what a full one that was cut has kept', async () => {
    const out = folder();
    const controller = new AbortController();
    const cut = counting(3, (key) => key === 'cell 1' && controller.abort());
    await expect(runStudy(cut, options(out, { signal: controller.signal }))).rejects.toThrow(
      /was stopped after 1 of 3/,
    );
    await runStudy(counting(1), options(out, { size: 'quick' }));
    await runStudy(counting(3), options(out, { seed: 9 }));
    const ran: string[] = [];
    await runStudy(
      counting(3, (key) => void ran.push(key)),
      options(out),
    );
    expect(ran).toEqual(['cell 1', 'cell 2']);
  });

  test('names the file and the line of what it did not write', async () => {
    const out = folder();
    mkdirSync(join(out, '.cache'), { recursive: true });
    const settings = { seed: 3, size: 'full', study_version: 1 };
    writeFileSync(
      join(out, '.cache', 'counting-full-seed3.jsonl'),
      `${JSON.stringify(settings)}\n{"key":"cell 0","record":1}\nxx\n`,
    );
    await expect(runStudy(counting(2), options(out))).rejects.toThrow(
      /counting-full-seed3\.jsonl, line 3, is no cell of an earlier run .*begin anew with --fresh/,
    );
    const result = await runStudy(counting(2), options(out, { fresh: true }));
    for (const bad of ['[1', 'null', '{"study":"other"}', JSON.stringify({ ...result, settings: null })]) {
      writeFileSync(join(out, 'counting.json'), bad);
      await expect(runStudy(counting(2), options(out, { pageOnly: true }))).rejects.toThrow(
        /counting\.json is not what `pope experiment counting` writes/,
      );
    }
    // well-formed, but of no such cell
    writeFileSync(join(out, 'counting.json'), JSON.stringify({ ...result, records: [null] }));
    await expect(runStudy(counting(2), options(out, { pageOnly: true }))).rejects.toThrow(
      /counting\.json has records that are not those of counting; expected what .* writes\. Run it anew/,
    );
  });
});

describe('the rows of a CSV', () => {
  test('have the columns that are asked for, or the file is named', () => {
    expect(parseCsvRows('a,b\n1,"2, 3"\n', 'x.csv', ['a', 'b'])).toEqual([{ a: '1', b: '2, 3' }]);
    expect(() => parseCsvRows('a,b\n1,2\n', 'x.csv', ['a', 'votes'])).toThrow(
      'x.csv has no votes; expected a CSV with a header and the columns a, votes.',
    );
    expect(() => parseCsvRows('a,b\n', 'x.csv', ['a'])).toThrow('x.csv has no rows');
    expect(() => parseCsvRows('a,b\n1\n', 'x.csv', ['a'])).toThrow(/^x.csv cannot be read \(.*Invalid Record/);
  });
});

describe('means of a study', () => {
  test('one run says nothing of its spread: no claim about it holds or fails', () => {
    const one = meanOf([2]);
    expect([above(one), below(one), above(one, 5)]).toEqual(['unclear', 'unclear', 'unclear']);
    expect(showMean(one)).toBe('2 (one run)');
    expect(barOf(one)).toBeUndefined();
    const two = meanOf([2, 2.001]);
    expect([above(two), below(two)]).toEqual(['yes', 'no']);
    expect(barOf(two)).toEqual({ lower: two.lower, upper: two.upper });
    expect(above(shareOf(0, 0), 0.5)).toBe('unclear');
  });
  test.prop([
    fc.array(fc.double({ min: -9, max: 9, noNaN: true }), { minLength: 2, maxLength: 9 }),
    fc.integer({ min: 1, max: 5 }),
  ])('groups of equal numbers count as one each, whatever their size', (values, times) => {
    const grouped = values.flatMap((value, group) => Array.from({ length: times }, () => ({ group, value })));
    const [of, alone] = [meanOfGroups(grouped), meanOf(values)];
    expect(of.n).toBe(values.length);
    expect(of.mean).toBeCloseTo(alone.mean, 10);
    expect(of.lower).toBeCloseTo(alone.lower, 8);
    expect(of.upper).toBeCloseTo(alone.upper, 8);
  });
  test('a share over groups: as wide as its groups are few, and never a certainty', () => {
    const all = (value: number) => Array.from({ length: 50 }, (_, i) => ({ group: i % 5, value }));
    expect(shareOfGroups(all(1))).toEqual(shareOf(5, 5));
    expect(shareOfGroups(all(0))).toEqual(shareOf(0, 5));
    expect(above(shareOfGroups([{ group: 1, value: 1 }]), 0.9)).toBe('unclear');
    const mixed = shareOfGroups([...all(1), { group: 0, value: 0 }]);
    expect(mixed.mean).toBeCloseTo(50 / 51, 12);
    expect(mixed.upper).toBe(1);
    expect(above(shareOfGroups([]), 0.9)).toBe('unclear');
  });
});
