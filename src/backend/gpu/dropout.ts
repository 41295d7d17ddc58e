import type { Backend } from '../backend.js';
import { dropoutHash, dropoutThreshold } from '../js/dropout.js';
import type { Launcher } from './handles.js';
import { assertNotRecording, handleOf, kernel } from './kernel.js';

const masked = kernel('dropout', ['x', 'mask'], [], 'return x[this.thread.x] * mask[this.thread.x];');

/** The mask is drawn on this side, since it hashes 32-bit integers, and uploaded: the same one as on every backend. */
export function dropoutVerb(launcher: Launcher): Pick<Backend, 'dropout'> {
  const { launch, upload, release } = launcher;
  return {
    dropout(x, rate, key) {
      assertNotRecording(launcher, 'dropout', 'its mask');
      const threshold = dropoutThreshold(rate);
      const kept = 1 / (1 - rate);
      const mask = new Float32Array(x.size);
      for (let i = 0; i < mask.length; i++) mask[i] = dropoutHash(i, key) < threshold ? 0 : kept;
      const uploaded = upload('dropout', mask);
      const out = launch('dropout', masked, [handleOf(x), uploaded], [], [], x.size);
      release(uploaded);
      return out;
    },
  };
}
