// Interleaved rounds beside a reference: a machine that changes its speed between two moments must not decide a ratio.

/** By how much the reference may differ before and after a round that counts. */
const AGREEMENT = 0.05;

export function median(numbers) {
  const sorted = [...numbers].sort((a, b) => a - b);
  const half = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
}

/** How many calls make a measurable chunk, after warming up: twice, and for `warmMs`. */
async function prepare(contender, { warmMs, chunkMs }) {
  if (contender.time !== undefined) await contender.time(warmMs);
  if (contender.time !== undefined || contender.slow) return 1;
  let calls = 0;
  const start = performance.now();
  let each;
  do {
    const before = performance.now();
    await contender.run();
    each = performance.now() - before;
  } while (++calls < 3 || performance.now() - start < warmMs);
  return Math.max(1, Math.round(chunkMs / Math.max(each, 1e-4)));
}

/** The median time of a call, in ms, over chunks of `calls` calls that fill `slotMs`. */
async function slot(contender, calls, slotMs) {
  if (contender.time !== undefined) return contender.time(slotMs);
  const times = [];
  const start = performance.now();
  do {
    const before = performance.now();
    for (let i = 0; i < calls; i++) {
      const pending = contender.run();
      if (pending !== undefined) await pending;
    }
    times.push((performance.now() - before) / calls);
  } while (performance.now() - start < slotMs && !contender.slow);
  return median(times);
}

/**
 * Measures `ours` beside each peer: a round is reference, ours, peer, reference (ours and peer in turn first), and
 * counts where the two readings of the reference agree within 5 %. Rounds go on until `rounds` count, at most
 * `maxRounds`, or `budgetMs` a peer is spent. The ratio is the median of the rounds' ratios.
 * @returns {Promise<Record<string, { ratio: number, ours: number, peer: number, kept: number, rounds: number }>>}
 * times in ms a call; where no round counted, `kept` is 0 and the figures are over all rounds.
 */
export async function compare(ours, peers, reference, options) {
  const { rounds = 7, maxRounds = 3 * rounds, slotMs = 25, chunkMs = 4, warmMs = 120, budgetMs = 20_000 } = options;
  const sizes = { chunkMs, warmMs };
  const oursCalls = await prepare(ours, sizes);
  const result = {};
  for (const [name, peer] of Object.entries(peers)) {
    const peerCalls = await prepare(peer, sizes);
    const most = peer.once ? 1 : maxRounds;
    const all = [];
    let kept = 0;
    const start = performance.now();
    while (all.length < most && kept < rounds && (all.length < 1 || performance.now() - start < budgetMs)) {
      const before = reference();
      const sample = {};
      for (const who of all.length % 2 === 0 ? ['ours', 'peer'] : ['peer', 'ours']) {
        sample[who] = who === 'ours' ? await slot(ours, oursCalls, slotMs) : await slot(peer, peerCalls, slotMs);
      }
      const after = reference();
      sample.kept = Math.abs(before - after) <= AGREEMENT * Math.min(before, after);
      if (sample.kept) kept++;
      all.push(sample);
    }
    const used = kept > 0 ? all.filter((sample) => sample.kept) : all;
    result[name] = {
      ratio: median(used.map((sample) => sample.peer / sample.ours)),
      ours: median(used.map((sample) => sample.ours)),
      peer: median(used.map((sample) => sample.peer)),
      kept,
      rounds: all.length,
    };
  }
  return result;
}
