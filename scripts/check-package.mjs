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

  const gradient = (load) => `${load}
    const f = (x) => tensor.mul(tensor.mul(x, x), x);
    const second = autograd.grad((y) => autograd.grad(f)(y))(tensor.tensor(3, { dtype: 'float64' })).item();
    if (second !== 18) throw new Error('the second derivative of x^3 at 3 is ' + second);`;
  writeFileSync(join(home, 'strict.mjs'), gradient(`import * as tensor from '${name}/tensor'; import * as autograd from '${name}/autograd';`));
  writeFileSync(join(home, 'strict.cjs'), gradient(`const tensor = require('${name}/tensor'), autograd = require('${name}/autograd');`));
  for (const file of ['strict.mjs', 'strict.cjs']) run('node', ['--disallow-code-generation-from-strings', file]);
  console.log('gradients across entries, without code generation from strings: ok in both formats');

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
