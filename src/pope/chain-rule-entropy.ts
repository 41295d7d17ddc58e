import { backendOf, tensor } from '../backend/index.js';
import { add, clip, exp, gather, mul, segmentSum, where } from '../ops/index.js';
import type { Tensor } from '../tensor/index.js';
import { assertInteger, invalid, PopeError } from '../util/index.js';

// #region T20
/**
 * sum_t rho_<t H_t of each response: H_t the entropy of the target's next token before step t, rho_<t the weight of what
 * precedes it. Its mean under pi0 is the entropy H(pi) where pi0 covers every prefix after which pi has a choice. The
 * weights are inside: average it over slates and rounds as it is, with no further weight.
 * @param tokenLogRatio log pi - log pi0 of each token, [T], responses one after the other, tokens in order, the end of
 * text included; -Infinity is legal (the target never goes there). The last of a response is never used.
 * @param nextTokenEntropy H(pi(.|x, y_<t)) in nats, [T], at least 0, finite.
 * @param tokenOf the response of each token, int32 [T], 0 .. responses - 1, not decreasing. @param responses M
 * @returns [M], differentiable in both float arguments.
 * @throws PopeError where shapes differ, a number is outside of its domain, a response has no token, or a term leaves
 * the float type: it names the response.
 * @id T20
 */
export function chainRuleEntropy(
  tokenLogRatio: Tensor,
  nextTokenEntropy: Tensor,
  tokenOf: Tensor,
  responses: number,
): Tensor {
  const response = assertTokens(tokenLogRatio, nextTokenEntropy, tokenOf, responses);
  const logWeight = prefixSums(tokenLogRatio, response);
  const limit = Math.log(tokenLogRatio.dtype === 'float32' ? 3.4e38 : Number.MAX_VALUE);
  const entropy = nextTokenEntropy.dataSync();
  logWeight.dataSync().forEach((value, t) => {
    if (value > limit && entropy[t] > 0) throw overflow(response[t], value);
  });
  // a weight beyond the limit meets an entropy of 0 here, and 0 it is: never 0 * inf
  const weight = exp(clip(logWeight, -Infinity, limit));
  const total = segmentSum(mul(weight, nextTokenEntropy), tokenOf, responses);
  total.dataSync().forEach((value, j) => {
    if (!Number.isFinite(value)) throw overflow(j, limit);
  });
  return total;
}
// #endregion T20

/**
 * The sum of what precedes each element within its response, [T]: 0 for the first. By doubling, O(T log T): after a round
 * with step s every element holds the sum of its last 2s; sums, never differences, so that -Infinity stays itself.
 */
function prefixSums(x: Tensor, response: ArrayLike<number>): Tensor {
  const place = new Int32Array(x.size);
  let longest = 0;
  for (let t = 1; t < place.length; t++) {
    if (response[t] === response[t - 1]) place[t] = place[t - 1] + 1;
    longest = Math.max(longest, place[t]);
  }
  const backend = backendOf(x);
  const before = (values: Tensor, step: number): Tensor => {
    const source = tensor(
      place.map((p, t) => (p >= step ? t - step : t)),
      { backend },
    );
    return where(
      tensor(
        place.map((p) => (p >= step ? 1 : 0)),
        { backend },
      ),
      gather(values, source),
      0,
    );
  };
  let sums = before(x, 1);
  for (let step = 1; step < longest; step *= 2) sums = add(sums, before(sums, step));
  return sums;
}

function assertTokens(logRatio: Tensor, entropy: Tensor, tokenOf: Tensor, responses: number): ArrayLike<number> {
  assertInteger('responses', responses, 1);
  if (logRatio.rank !== 1) throw invalid('tokenLogRatio.shape', logRatio.shape, '[T], one number a token');
  for (const [name, x] of Object.entries({ nextTokenEntropy: entropy, tokenOf }))
    if (x.rank !== 1 || x.size !== logRatio.size)
      throw invalid(`${name}.shape`, x.shape, `[${logRatio.size}], one number a token`);
  if (tokenOf.dtype !== 'int32') throw invalid('tokenOf.dtype', tokenOf.dtype, 'int32');
  logRatio.dataSync().forEach((value, t) => {
    if (Number.isNaN(value) || value === Infinity)
      throw invalid(`tokenLogRatio[${t}]`, value, 'a number below Infinity (-Infinity where the target never goes)');
  });
  entropy.dataSync().forEach((value, t) => {
    if (!(value >= 0 && value < Infinity))
      throw invalid(`nextTokenEntropy[${t}]`, value, 'a finite number of at least 0');
  });
  const response = tokenOf.dataSync();
  let reached = -1;
  response.forEach((j, t) => {
    if (j !== reached && j !== reached + 1)
      throw invalid(
        `tokenOf[${t}]`,
        j,
        `${Math.max(0, reached)} or ${reached + 1}: every response in turn, none without a token`,
      );
    reached = j;
  });
  if (reached !== responses - 1) throw invalid('responses', responses, `${reached + 1}, as many as tokenOf names`);
  return response;
}

const overflow = (response: number, logWeight: number): PopeError =>
  new PopeError(
    `a prefix of response ${response} has the weight exp(${logWeight}), beyond the largest float; expected a target nearer to the log.`,
    { argument: 'tokenLogRatio', got: logWeight },
  );
