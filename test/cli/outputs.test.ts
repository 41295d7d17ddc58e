import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { assertOutFolder } from '../../src/cli/out-folder.js';
import { pope, workFolder } from './harness.js';

const { path } = workFolder();
const log = Array.from({ length: 40 }, (_, i) =>
  JSON.stringify({
    prompt: `q${i % 2}`,
    responses: [
      {
        text: i % 3 === 0 ? 'no' : 'yes',
        propensity: i % 3 === 0 ? 1 / 3 : 2 / 3,
        target_log_prob: -1,
        feedback: { up: i % 2 },
      },
    ],
  }),
).join('\n');
const write = (name: string, text = log): string => {
  writeFileSync(path(name), text);
  return path(name);
};
const tiny = [
  '--steps',
  '1',
  '--imitate',
  '1',
  '--tokenizer',
  'byte',
  '--n-layer',
  '1',
  '--n-embd',
  '8',
  '--n-head',
  '2',
];

async function refusedAndKept(file: string, ...argv: string[]): Promise<string> {
  const before = readFileSync(file, 'utf8');
  const { code, stderr } = await pope(...argv);
  expect(code).toBe(2);
  expect(readFileSync(file, 'utf8')).toBe(before);
  return stderr;
}

describe('an output that is an input', () => {
  it('is refused by evaluate, also through a link and another spelling of the path', async () => {
    const file = write('a.jsonl');
    expect(await refusedAndKept(file, 'evaluate', file, '--html', file)).toMatch(
      /^pope: --html would write .*a\.jsonl, which is read/,
    );
    symlinkSync(file, path('link.html'));
    await refusedAndKept(file, 'evaluate', file, '--html', path('link.html'));
    await refusedAndKept(file, 'evaluate', file, '--html', `${path('.')}/./a.jsonl`);
  });

  it('is refused by score, fit and train', async () => {
    const file = write('train.jsonl');
    expect(await refusedAndKept(file, 'train', file, '--out', path('.'), ...tiny)).toMatch(
      /--out \(train\.jsonl\) would write/,
    );
    expect(await refusedAndKept(file, 'score', path('none'), file, '--out', file)).toMatch(/--out would write/);
    const bare = write('log.jsonl', log.replaceAll(/"propensity":[\d.]+,/g, ''));
    expect(await refusedAndKept(bare, 'fit', bare, '--out', path('.'), '--steps', '1')).toMatch(
      /--out \(log\.jsonl\) would write/,
    );
    expect(await refusedAndKept(bare, 'train', bare, '--out', path('.'), ...tiny)).toMatch(
      /--out \(log\.jsonl\) would write/,
    );
  });

  it('two outputs of simulate may not be one file', async () => {
    const { code, stderr } = await pope('simulate', '--out', path('s.jsonl'), '--candidates', path('s.jsonl'));
    expect(code).toBe(2);
    expect(stderr).toMatch(/--candidates would write .*, which --out writes/);
  });
});

describe('a folder to write into', () => {
  it('is tried before the work, and nothing is left behind', async () => {
    const file = write('file');
    await expect(assertOutFolder(file)).rejects.toThrow('it is a file');
    await expect(assertOutFolder(`${file}/below`)).rejects.toThrow(/a file/);
    await expect(assertOutFolder('/proc/none/such')).rejects.toThrow(/expected a folder that can be written/);
    await assertOutFolder(path('new/deep/folder'));
    expect(() => readFileSync(path('new'))).toThrow('ENOENT');
    mkdirSync(path('there'));
    await assertOutFolder(path('there'));
  });
});
