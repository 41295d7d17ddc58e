/**
 * Interleaved timing: every contender runs once a round, so that a slow second hits all of them alike.
 * @param {Record<string, () => void>} contenders
 * @param {{ rounds?: number, warmUp?: number, minimumMs?: number }} options
 * @returns {Record<string, { median: number, best: number }>} milliseconds a call
 */
export function timeInterleaved(contenders, { rounds = 9, warmUp = 2, minimumMs = 15 } = {}) {
  const names = Object.keys(contenders);
  const repeats = Object.fromEntries(names.map((name) => [name, repeatsFor(contenders[name], minimumMs)]));
  const times = Object.fromEntries(names.map((name) => [name, []]));
  for (let round = -warmUp; round < rounds; round++) {
    for (const name of names) {
      const start = performance.now();
      for (let r = 0; r < repeats[name]; r++) contenders[name]();
      const each = (performance.now() - start) / repeats[name];
      if (round >= 0) times[name].push(each);
    }
  }
  return Object.fromEntries(names.map((name) => [name, { median: median(times[name]), best: Math.min(...times[name]) }]));
}

function repeatsFor(fn, minimumMs) {
  fn();
  const start = performance.now();
  fn();
  return Math.max(1, Math.ceil(minimumMs / Math.max(performance.now() - start, 1e-3)));
}

export function median(numbers) {
  const sorted = [...numbers].sort((a, b) => a - b);
  const half = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
}
