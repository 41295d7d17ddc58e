import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { fileOf, type Json, renderPage, studies } from '../../src/study/index.js';
import { pope, workFolder } from '../cli/harness.js';

const { path } = workFolder();
const data = resolve(import.meta.dirname, '../../../shared/data');
const kept = resolve(import.meta.dirname, '../../docs/experiments');

describe.each(studies.map((study) => [study.name, study] as const))('the study %s', (name, study) => {
  const lacking = study.needs.filter((need) => !existsSync(join(data, need)));
  if (lacking.length > 0) console.warn(`!! SKIPPED: the quick run of ${name} needs ${lacking.join(', ')}`);

  it.skipIf(lacking.length > 0)('runs in small, and writes what it prints', async () => {
    const texts: string[] = [];
    // the same bytes again: of the studies that take no time
    for (const out of (['estimators', 'propensity'].includes(name) ? ['one', 'two'] : ['one']).map((folder) =>
      path(`${name}-${folder}`),
    )) {
      const ran = await pope('experiment', name, '--size', 'quick', '--data', data, '--out', out, '--quiet', '--json');
      expect(ran.code, ran.stderr).toBe(0);
      const result = JSON.parse(readFileSync(join(out, `${name}.json`), 'utf8')) as {
        records: Json[];
        sentence: string;
      };
      expect(JSON.parse(ran.stdout)).toEqual(result);
      const page = study.page(result.records);
      for (const { suffix } of page.figures)
        expect(readFileSync(join(out, fileOf(name, suffix)), 'utf8')).toMatch(/^<svg .*<\/svg>\n$/s);
      const markdown = readFileSync(join(out, `${name}.md`), 'utf8');
      expect(markdown).toContain('A quick run: too small to learn from.');
      expect(markdown).not.toMatch(/NaN|undefined|Infinity/);
      texts.push(readFileSync(join(out, `${name}.json`), 'utf8'));
    }
    expect(new Set(texts).size).toBe(1);
  });

  it.skipIf(!existsSync(join(kept, `${name}.json`)))(
    'has a page and figures in docs that are those of its JSON',
    () => {
      const { records, settings } = JSON.parse(readFileSync(join(kept, `${name}.json`), 'utf8')) as {
        records: Json[];
        settings: { study_version: number; size: string };
      };
      expect([settings.study_version, settings.size]).toEqual([study.version, 'full']);
      const page = study.page(records);
      const markdown = readFileSync(join(kept, `${name}.md`), 'utf8');
      const how = markdown.slice(markdown.indexOf('## Rerun\n\n') + 10).trimEnd();
      expect(markdown).toBe(renderPage(study, page, how));
      for (const { suffix, svg } of page.figures)
        expect(readFileSync(join(kept, fileOf(name, suffix)), 'utf8')).toBe(`${svg}\n`);
    },
  );
});

describe('pope experiment', () => {
  it('lists the studies', async () => {
    const { code, stdout } = await pope('experiment', 'list', '--json');
    expect(code).toBe(0);
    expect(JSON.parse(stdout).map(({ name }: { name: string }) => name)).toEqual(studies.map(({ name }) => name));
  });
  it('refuses an unknown one, and data that is not there, with exit 2', async () => {
    const unknown = await pope('experiment', 'nonsense');
    expect([unknown.code, unknown.stderr]).toEqual([
      2,
      expect.stringMatching(/the study is "nonsense"; expected one of/),
    ]);
    const lacking = await pope('experiment', 'replay', '--data', path('nothing'), '--out', path('x'));
    expect([lacking.code, lacking.stderr]).toEqual([2, expect.stringMatching(/caption-contest, obd are not there/)]);
  });
});
