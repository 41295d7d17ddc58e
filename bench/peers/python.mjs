// Peers in Python: a child that answers one JSON line with another and times itself, so that rounds interleave and the
// pipe costs nothing. It waits while others are timed. POPE_BENCH_PYTHON names an interpreter to try first.
import { spawn, spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

const oneThread = { OMP_NUM_THREADS: '1', MKL_NUM_THREADS: '1', OPENBLAS_NUM_THREADS: '1' };

/** An interpreter that imports `module`. */
function pythonWith(module) {
  const names = [process.env.POPE_BENCH_PYTHON, 'python3', '/usr/bin/python3'].filter(Boolean);
  const found = names.find((name) => spawnSync(name, ['-c', `import ${module}`]).status === 0);
  if (found === undefined) throw new Error(`${module} is not installed (tried ${names.join(', ')})`);
  return found;
}

function openPython(module, script) {
  const child = spawn(pythonWith(module), [join(import.meta.dirname, script)], {
    stdio: ['pipe', 'pipe', 'inherit'],
    env: { ...process.env, ...oneThread },
  });
  child.unref();
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return {
    async ask(request) {
      child.stdin.write(`${JSON.stringify(request)}\n`);
      const { value, done } = await lines.next();
      if (done) throw new Error(`${script} ended early`);
      const answer = JSON.parse(value);
      if (answer.error === undefined) return answer;
      child.stdin.end();
      throw new Error(answer.error);
    },
    close: () => child.stdin.end(),
  };
}

/** A build of torch without a tuned BLAS (Debian's, with the reference BLAS) reads 2: a ratio to it would flatter us. */
const LEAST_GFLOPS = 30;

/** PyTorch's training step. */
export function openTorch(folder) {
  let version = null;
  return {
    version: () => version,
    async trainStep({ leaves, ...rest }) {
      const python = openPython('torch', 'torch_step.py');
      const [data, spec, to] = ['params.bin', 'spec.json', 'gradients.bin'].map((name) => join(folder, name));
      writeFileSync(data, Buffer.concat(leaves.map((leaf) => Buffer.from(leaf.data.buffer))));
      const described = leaves.map(({ name, shape }) => ({ name, shape }));
      const lists = { tokens: [...rest.tokens], targets: [...rest.targets] };
      writeFileSync(spec, JSON.stringify({ ...rest, ...lists, leaves: described, data }));
      const opened = await python.ask({ do: 'open', spec });
      ({ version } = opened);
      if (opened.gflops < LEAST_GFLOPS) {
        python.close();
        throw new Error(`torch ${version} multiplies at ${opened.gflops.toFixed(1)} GFLOP/s only: its BLAS is no fair peer`);
      }
      const losses = [];
      return {
        note: `its product of 512: ${opened.gflops.toFixed(0)} GFLOP/s`,
        losses,
        async time(ms) {
          const answer = await python.ask({ do: 'time', ms });
          losses.splice(0, losses.length, ...answer.losses);
          return answer.ms;
        },
        async gradients() {
          await python.ask({ do: 'gradients', spec, to });
          const bytes = readFileSync(to);
          let at = 0;
          return leaves.map(({ data: { length } }) => {
            const leaf = new Float32Array(bytes.buffer.slice(bytes.byteOffset + at, bytes.byteOffset + at + 4 * length));
            at += 4 * length;
            return leaf;
          });
        },
        close: python.close,
      };
    },
  };
}

/** numpy's bootstrap: the fastest of the forms whose name begins with `kind`, found by trying each. */
export function openNumpy(folder) {
  let version = null;
  const fastest = async (kind, { numerator, denominator }) => {
    const python = openPython('numpy', 'numpy_bootstrap.py');
    const data = join(folder, 'columns.bin');
    writeFileSync(data, Buffer.concat([Buffer.from(numerator.buffer), Buffer.from(denominator.buffer)]));
    const opened = await python.ask({ do: 'open', data, rows: numerator.length });
    version = opened.version;
    let best = { ms: Number.POSITIVE_INFINITY, form: '' };
    for (const form of opened.forms.filter((name) => kind.test(name))) {
      await python.ask({ do: 'time', form, ms: 1 });
      const { ms } = await python.ask({ do: 'time', form, ms: 100 });
      if (ms < best.ms) best = { ms, form };
    }
    return {
      note: `form ${best.form}`,
      time: async (ms) => (await python.ask({ do: 'time', form: best.form, ms })).ms,
      close: python.close,
    };
  };
  return {
    version: () => version,
    bootstrapPoisson: (spec) => fastest(/^poisson\//, spec),
    bootstrapPoissonTable: (spec) => fastest(/^poisson_table\//, spec),
    bootstrapMultinomial: (spec) => fastest(/^multinomial/, spec),
  };
}
