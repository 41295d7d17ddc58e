import { type Backend, defaultBackend, tensor } from '../../backend/index.js';
import { matmul } from '../../ops/index.js';
import { seededRandom, uniform } from '../../random/index.js';
import { dispose, scope } from '../../tensor/index.js';

/**
 * GFLOP/s of an n x n by n x n product on a backend: the median of the runs that fit into `milliseconds`,
 * after warming up for a fifth of them. At least three runs.
 * @param now milliseconds of a steady clock.
 */
export function matmulSpeed(
  dtype: 'float32' | 'float64',
  {
    backend = defaultBackend(),
    size = 256,
    milliseconds = 500,
    now = () => performance.now(),
  }: { backend?: Backend; size?: number; milliseconds?: number; now?: () => number } = {},
): { gflops: number; runs: number } {
  const random = seededRandom(3);
  const [x, y] = [0, 1].map(() =>
    tensor(
      Float64Array.from({ length: size * size }, () => uniform(random) - 0.5),
      { shape: [size, size], dtype, backend },
    ),
  );
  const once = (): void => {
    scope(() => {
      // Reading the result makes a backend that works ahead finish.
      matmul(x, y).dataSync();
    });
  };
  const began = now();
  do once();
  while (now() - began < milliseconds / 5);
  const times: number[] = [];
  for (const start = now(); times.length < 3 || now() - start < milliseconds; ) {
    const from = now();
    once();
    times.push(now() - from);
  }
  dispose({ x, y });
  times.sort((a, b) => a - b);
  const middle = times[Math.floor(times.length / 2)];
  return { gflops: (2 * size ** 3) / middle / 1e6, runs: times.length };
}
