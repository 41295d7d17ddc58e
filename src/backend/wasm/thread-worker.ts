/** Where what stands in the shared header. `job` counts up twice a job: odd while it is open. */
export const control = {
  job: 0,
  next: 1,
  done: 2,
  active: 3,
  sleepers: 4,
  stop: 5,
  kernel: 6,
  rows: 7,
  grain: 8,
  count: 9,
  scratchArgument: 10,
  scratchBytes: 11,
  size: 16,
  maxArguments: 24,
} as const;

/**
 * What a worker runs. It is text, since a worker starts from an address, and an address beside this file would not
 * survive every bundler. It waits for a job, takes pieces while there are any, and leaves.
 */
export const sourceOfWorker = (place: 'node' | 'browser'): string => `
${place === 'node' ? "import { parentPort } from 'node:worker_threads';" : ''}
const c = ${JSON.stringify(control)};
const serve = ({ module, memory, header, numbers, names, thread }) => {
  const kernels = new WebAssembly.Instance(module, { env: { memory } }).exports;
  let seen = 0;
  for (;;) {
    let job = Atomics.load(header, c.job);
    for (let spin = 0; spin < 20000 && (job === seen || job % 2 === 0); spin++) job = Atomics.load(header, c.job);
    if (Atomics.load(header, c.stop) === 1) return;
    if (job === seen || job % 2 === 0) {
      Atomics.add(header, c.sleepers, 1);
      Atomics.wait(header, c.job, job, 1000);
      Atomics.sub(header, c.sleepers, 1);
      continue;
    }
    Atomics.add(header, c.active, 1);
    if (Atomics.load(header, c.job) === job) {
      const args = Array.from(numbers.subarray(0, header[c.count]));
      if (header[c.scratchArgument] >= 0) args[header[c.scratchArgument]] += thread * header[c.scratchBytes];
      const kernel = kernels[names[header[c.kernel]]];
      const rows = header[c.rows];
      const grain = header[c.grain];
      for (let piece; (piece = Atomics.add(header, c.next, 1)) * grain < rows; ) {
        kernel(piece * grain, Math.min(rows, (piece + 1) * grain), ...args);
        Atomics.add(header, c.done, 1);
      }
    }
    Atomics.sub(header, c.active, 1);
    Atomics.notify(header, c.done);
    seen = job;
  }
};
${place === 'node' ? "parentPort.once('message', serve);" : 'onmessage = ({ data }) => serve(data);'}
`;
