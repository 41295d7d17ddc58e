// Loads the built package as its users do: packed, installed elsewhere, imported and required entry by entry, its types
// resolved by TypeScript under both module systems, and the core run where code generation from strings is forbidden.
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

const root = resolve(import.meta.dirname, '..');
const { name, exports, dependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
const entries = Object.keys(exports).filter((key) => key !== './package.json').map((key) => name + key.slice(1));
const home = mkdtempSync(join(tmpdir(), 'pope-package-'));
const run = (command, args, cwd = home) => execFileSync(command, args, { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });

try {
  const packed = JSON.parse(run('npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', home], root));
  const { filename, size, unpackedSize, files } = Array.isArray(packed) ? packed[0] : Object.values(packed)[0];
  mkdirSync(join(home, 'node_modules', name), { recursive: true });
  run('tar', ['xzf', join(home, filename), '--strip-components=1', '-C', join(home, 'node_modules', name)]);
  // its run-time dependencies come from this checkout: the check needs no network
  for (const dependency of [...Object.keys(dependencies), 'typescript', '@types']) {
    symlinkSync(join(root, 'node_modules', dependency), join(home, 'node_modules', dependency));
  }
  console.log(`${filename}: ${(size / 1e3).toFixed(0)} kB packed, ${(unpackedSize / 1e3).toFixed(0)} kB unpacked, ${files.length} files`);

  writeFileSync(join(home, 'package.json'), '{"type":"module"}');
  for (const entry of entries) {
    const count = (code) => Number(run('node', ['-e', code]));
    const esm = count(`import(${JSON.stringify(entry)}).then((m) => console.log(Object.keys(m).length))`);
    const cjs = count(`console.log(Object.keys(require(${JSON.stringify(entry)})).length)`);
    if (!(esm > 0) || esm !== cjs) throw new Error(`${entry}: ${esm} names by import, ${cjs} by require`);
    console.log(`${entry}: ${esm} names by import and by require`);
  }

  // gpu.js is an optional peer: absent or of another version, the backend says so
  const openGpu = (load) => run('node', ['-e', `${load}.then((m) => m.createGpuBackend()).catch((e) => console.log(e.message))`]);
  const loads = [`import('${name}/gpu')`, `Promise.resolve(require('${name}/gpu'))`];
  const expectSaid = (wanted) => {
    for (const load of loads) {
      const said = openGpu(load);
      if (!wanted.test(said)) throw new Error(`${load} said ${said}; expected ${wanted}`);
    }
  };
  expectSaid(/^gpu\.js cannot be loaded; expected "npm install gpu\.js@/);
  mkdirSync(join(home, 'node_modules', 'gpu.js'));
  writeFileSync(join(home, 'node_modules', 'gpu.js', 'package.json'), '{"name":"gpu.js","version":"2.16.0","main":"index.js"}');
  writeFileSync(join(home, 'node_modules', 'gpu.js', 'index.js'), 'exports.GPU = class {};');
  expectSaid(/^gpu\.js is version 2\.16\.0; expected exactly /);
  console.log('the gpu entry refuses gpu.js where it is absent or of another version, in both formats');

  // the whole core at work: a nested gradient across entries, an exact expectation, an evaluation, a transformer's step
  const core = ['tensor', 'autograd', 'ope', 'pope', 'nn'];
  const work = (load) => `${load}
    const equal = (what, got, wanted) => { if (got !== wanted) throw new Error(what + ' is ' + got + ', not ' + wanted); };
    const cube = (x) => tensor.mul(tensor.mul(x, x), x);
    equal("(x^3)'' at 3", autograd.grad((y) => autograd.grad(cube)(y))(tensor.tensor(3, { dtype: 'float64' })).item(), 18);
    const problem = { contextProb: [1], logging: [[0.5, 0.5]], target: [[0.25, 0.75]], reward: [[1, 0]] };
    equal('E[ips]', ope.expectation(ope.ips, problem), 0.25);
    equal('T4 at pi0 = pi', pope.varianceLowerBound([0, 0], [1, 1]).lowerBound, 0);
    const config = nn.gptConfig({ vocabSize: 8, blockSize: 4, nLayer: 1, nHead: 2, nEmbd: 8 });
    const params = nn.initGpt(config, ope.seededRandom(0));
    const tokens = tensor.tensor([[1, 2, 3]], { dtype: 'int32' });
    const loss = (p) => tensor.crossEntropy(nn.gptLogits(p, config, tokens), tokens);
    const { gradient } = autograd.valueAndGrad(loss)(params);
    nn.adamwStep(params, gradient, nn.adamwInit(params), { learningRate: 0.01 });`;
  writeFileSync(join(home, 'strict.mjs'), work(core.map((e) => `import * as ${e} from '${name}/${e}';`).join('\n')));
  writeFileSync(join(home, 'strict.cjs'), work(core.map((e) => `const ${e} = require('${name}/${e}');`).join('\n')));
  for (const file of ['strict.mjs', 'strict.cjs']) run('node', ['--disallow-code-generation-from-strings', file]);
  console.log('the core at work without code generation from strings: ok in both formats');

  // and it reaches for nothing of Node's: the bundles of the core name no builtin
  for (const entry of ['index', ...core]) {
    const found = sourcesOf(join(home, 'node_modules', name, 'dist'), `${entry}.js`).filter((text) => /from ["']node:|require\(["']node:/.test(text));
    if (found.length > 0) throw new Error(`${entry} imports a Node builtin`);
  }
  console.log('the core imports no Node builtin');

  writeFileSync(join(home, 'use.ts'), entries.map((entry, i) => `import * as m${i} from '${entry}';\nexport const n${i}: object = m${i};\n`).join(''));
  writeFileSync(join(home, 'use.cts'), entries.map((entry, i) => `import m${i} = require('${entry}');\nexport const n${i}: object = m${i};\n`).join(''));
  for (const [module, moduleResolution] of [['node16', 'node16'], ['esnext', 'bundler']]) {
    const files = module === 'node16' ? ['use.ts', 'use.cts'] : ['use.ts'];
    const options = { strict: true, noEmit: true, module, moduleResolution, target: 'es2022', lib: ['es2023'], types: ['node'] };
    writeFileSync(join(home, 'tsconfig.json'), JSON.stringify({ compilerOptions: options, files }));
    run('node', [join(root, 'node_modules/typescript/bin/tsc'), '-p', '.']);
    console.log(`types resolve under ${moduleResolution}`);
  }
  console.log(run(join(root, 'node_modules/.bin/publint'), ['--strict', join(home, 'node_modules', name)]).trim());
} catch (error) {
  console.error(error.stdout ?? '', error.stderr ?? '', error.message);
  process.exitCode = 1;
} finally {
  rmSync(home, { recursive: true, force: true });
}

/** The text of a built file and of all chunks that it loads. */
function sourcesOf(folder, file, seen = new Set()) {
  if (seen.has(file)) return [];
  seen.add(file);
  const text = readFileSync(join(folder, file), 'utf8');
  const next = [...text.matchAll(/from ["']\.\/([^"']+)["']|import ["']\.\/([^"']+)["']/g)].map((m) => m[1] ?? m[2]);
  return [text, ...next.flatMap((inner) => sourcesOf(folder, inner, seen))];
}
