import { dirname, join, normalize } from 'node:path';
import { describe, expect, test } from 'vitest';
import { importsOf, sourcesUnder } from './sources.js';

/** Which rooms each room may look into, besides itself: only ever downwards. */
const below: Readonly<Record<string, readonly string[]>> = {
  util: [],
  tensor: ['util'],
  backend: ['util', 'tensor'],
  random: ['util'],
  stats: ['util', 'random'],
  autograd: ['util', 'tensor', 'backend', 'random'],
  ops: ['util', 'tensor', 'backend', 'autograd', 'random'],
  nn: ['util', 'tensor', 'backend', 'autograd', 'ops', 'random'],
  ope: ['util', 'tensor', 'backend', 'autograd', 'ops', 'random', 'stats'],
  pope: ['util', 'tensor', 'backend', 'autograd', 'ops', 'random', 'stats', 'ope', 'nn', 'version.ts'],
  data: ['util', 'random', 'stats', 'ope', 'pope'],
  report: ['util', 'stats', 'ope', 'pope'],
  study: ['util', 'tensor', 'backend', 'autograd', 'ops', 'nn', 'random', 'stats', 'ope', 'pope', 'data', 'report'],
};
const core = ['util', 'tensor', 'backend', 'autograd', 'ops', 'nn', 'random', 'stats', 'ope', 'pope'];
/** The files of pope that may train a transformer's way. */
const meetsNn = ['src/pope/train.ts', 'src/pope/train-options.ts'];
/** Where readers and the command line may use Node's own modules. */
const mayUseNode = (path: string) => path.startsWith('src/cli/') || path.startsWith('src/data/node');

const roomOf = (path: string): string => path.split('/')[1];
const sources = sourcesUnder('src');

describe('layers', () => {
  test('every import points down', () => {
    const upward: string[] = [];
    for (const source of sources) {
      const room = roomOf(source.path);
      const allowed = below[room];
      if (allowed === undefined) continue;
      for (const specifier of importsOf(source)) {
        if (!specifier.startsWith('.')) continue;
        const target = roomOf(
          normalize(join(dirname(source.path), specifier.replace(/\.js$/, '.ts'))).replaceAll('\\', '/'),
        );
        if (target !== room && !allowed.includes(target)) upward.push(`${source.path} imports ${specifier}`);
        if (room === 'pope' && target === 'nn' && !meetsNn.includes(source.path))
          upward.push(`${source.path} imports nn`);
      }
    }
    expect(upward).toEqual([]);
  });

  test('there are imports to check, and an upward one would be found', () => {
    expect(sources.length).toBeGreaterThan(80);
    expect(
      importsOf({ path: 'src/util/x.ts', text: "import { a,\n  b } from '../ope/index.js';\nexport * from './y.js';" }),
    ).toEqual(['../ope/index.js', './y.js']);
  });

  test('the core imports pure-rand and valibot at most, and no Node builtin', () => {
    const foreign = sources
      .filter(({ path }) => core.includes(roomOf(path)))
      .flatMap((source) => importsOf(source).map((specifier) => ({ path: source.path, specifier })))
      .filter(({ specifier }) => !specifier.startsWith('.') && !/^(pure-rand|valibot)(\/|$)/.test(specifier));
    // the backend on a GPU alone, which nothing else in the core imports, loads its optional peer: the command line may ask for it
    expect(foreign).toEqual([{ path: 'src/backend/gpu/gpu-js.ts', specifier: 'gpu.js' }]);
    const users = sources.filter((source) => importsOf(source).some((specifier) => specifier.includes('/gpu/')));
    expect(users.map(({ path }) => path).sort()).toEqual(['src/cli/backend-option.ts', 'src/entry/gpu.ts']);
  });

  test('only readers and the command line use Node builtins', () => {
    const found = sources
      .filter(
        (source) => importsOf(source).some((specifier) => specifier.startsWith('node:')) && !mayUseNode(source.path),
      )
      .map(({ path }) => path);
    expect(found).toEqual([]);
  });

  test('no code is generated from strings, no default export, no any in signatures', () => {
    const found = sources
      .filter(({ text }) =>
        /\beval\s*\(|new Function\b|^export default|: any\b|<any>|as any\b/m.test(
          text.replace(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, ''),
        ),
      )
      .map(({ path }) => path);
    expect(found).toEqual([]);
  });
});
