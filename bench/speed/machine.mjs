import { readFileSync } from 'node:fs';
import { cpus, loadavg, totalmem } from 'node:os';
import { resolve } from 'node:path';

const root = resolve(import.meta.dirname, '..', '..');
const packageOf = (path) => JSON.parse(readFileSync(resolve(root, path, 'package.json'), 'utf8'));

export const machine = () => ({
  processor: cpus()[0].model,
  cores: cpus().length,
  memoryGB: Math.round(totalmem() / 2 ** 30),
  platform: `${process.platform} ${process.arch}`,
  load: loadavg().map((x) => Math.round(100 * x) / 100),
});

/** Of Node, ours, and every peer in bench/package.json. */
export const versions = () => {
  const versions = { node: process.version, v8: process.versions.v8, 'pope-ts': packageOf('.').version };
  for (const name of Object.keys(packageOf('bench').dependencies)) {
    try {
      versions[name] = packageOf(`bench/node_modules/${name}`).version;
    } catch {
      versions[name] = null;
    }
  }
  return versions;
};
