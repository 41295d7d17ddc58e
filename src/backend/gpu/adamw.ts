import type { AdamwOptions, Backend } from '../backend.js';
import type { Launcher } from './handles.js';
import { assertNotRecording, handleOf, kernel } from './kernel.js';

const moment = kernel(
  'adamw moment',
  ['m', 'g'],
  [],
  'return beta * m[this.thread.x] + (1 - beta) * g[this.thread.x];',
  ['beta'],
);
const square = kernel(
  'adamw square',
  ['v', 'g'],
  [],
  'return beta * v[this.thread.x] + (1 - beta) * g[this.thread.x] * g[this.thread.x];',
  ['beta'],
);
const step = kernel(
  'adamw step',
  ['p', 'm', 'v'],
  [],
  `const v1 = p[this.thread.x];
  const mhat = m[this.thread.x] * mScale;
  const vhat = v[this.thread.x] * vScale;
  return v1 - rate * (mhat / (Math.sqrt(vhat) + epsilon) + decay * v1);`,
  ['rate', 'mScale', 'vScale', 'epsilon', 'decay'],
);

/** One AdamW step in three kernels: the two moments, then the parameter. */
export function adamwVerb(launcher: Launcher): Required<Pick<Backend, 'adamw'>> {
  const { launch } = launcher;
  return {
    adamw(p, grad, m, v, { learningRate, beta1, beta2, epsilon, weightDecay, step: t }: AdamwOptions) {
      assertNotRecording(launcher, 'adamw', 'the number of its step');
      const g = handleOf(grad);
      const m1 = launch('adamw', moment, [handleOf(m), g], [], [beta1], p.size);
      const v1 = launch('adamw', square, [handleOf(v), g], [], [beta2], p.size);
      const scales = [1 / (1 - beta1 ** t), 1 / (1 - beta2 ** t)];
      const floats = [learningRate, ...scales, epsilon, weightDecay];
      return [launch('adamw', step, [handleOf(p), m1, v1], [], floats, p.size), m1, v1];
    },
  };
}
