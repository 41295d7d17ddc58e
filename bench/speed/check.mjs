// No ratio without the same work: the numbers of a peer must be ours to float32 bounds.
const BOUND = 1e-4;

const largest = (xs) => xs.reduce((most, x) => Math.max(most, Math.abs(x)), 0);

/** @throws Error where a result differs by more than 1e-4 of the largest entry. */
export async function checkResults(ours, peer) {
  if (ours.read === undefined || peer.read === undefined) return;
  const [mine, theirs] = [await ours.read(), [await peer.read()].flat()];
  theirs.forEach((result, i) => {
    const expected = peer.partial ? mine[i].subarray(0, result.length) : mine[i];
    if (result.length !== expected.length) throw new Error(`result ${i} has ${result.length} numbers, ours ${expected.length}`);
    const off = largest(expected.map((x, j) => x - result[j])) / largest(expected);
    if (!(off <= BOUND)) throw new Error(`result ${i} differs from ours by ${off.toExponential(1)} of its largest entry`);
  });
}

/**
 * The largest relative difference (norm of the difference over the norm) of a parameter's gradient.
 * @throws Error where it exceeds 1e-4.
 */
export async function checkGradients(ours, peer, leaves) {
  const [mine, theirs] = [await ours.gradients(), await peer.gradients()];
  const norm = (xs) => Math.sqrt(xs.reduce((sum, x) => sum + x * x, 0));
  // a leaf whose gradient is rounding alone (a bias before a softmax) is held against the whole gradient
  const whole = norm(mine.map(norm));
  let worst = 0;
  leaves.forEach(({ name }, i) => {
    const difference = norm(mine[i].map((x, j) => x - theirs[i][j]));
    const off = difference / Math.max(norm(mine[i]), 1e-3 * whole);
    if (!(off <= BOUND)) throw new Error(`the gradient of ${name} differs from ours by ${off.toExponential(1)}`);
    worst = Math.max(worst, off);
  });
  return worst;
}

/** @throws Error where the losses of the steps that both have made (at most 3) differ by more than 1e-4: gradient and update agree. */
export function checkLosses(ours, peer) {
  for (let i = 0; i < Math.min(3, ours.losses.length, peer.losses.length); i++) {
    const [mine, theirs] = [ours.losses[i], peer.losses[i]];
    if (!(Math.abs(mine - theirs) <= BOUND * Math.abs(mine)))
      throw new Error(`the loss of step ${i + 1} is ${theirs}, ours ${mine}`);
  }
}
