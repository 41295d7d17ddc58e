import { sub } from '../ops/index.js';
import { sameShape, showShape, type Tensor } from '../tensor/index.js';
import { invalid, PopeError } from '../util/index.js';

// #region T19
/**
 * log rho(c) = log pi(c|x) - log pi0(c|x), elementwise: the log-ratio of the classes of the responses in the place of that
 * of the responses. For `decomposedIps` and `jointIps`, and rewards that depend on y through its class alone: where the
 * log covers the target the mean stays and the second moment does not grow. So for `doublyRobust`, if the model too
 * depends on the class alone. Transformed weights (clipped, smoothed ...) change their mean: for them nothing is promised.
 * @param targetClassLogProb log pi(c(y_j)|x) in nats, [M], exact (`exactClassLogProb`); -Infinity is weight 0.
 * @param loggingClassLogProb log pi0(c(y_j)|x), [M], finite: a class that was logged has a probability.
 * @returns [M], differentiable in both.
 * @throws PopeError where shapes differ, a logging number is not finite, or a target number is NaN or Infinity.
 * @id T19
 */
export function classMarginalLogRatio(targetClassLogProb: Tensor, loggingClassLogProb: Tensor): Tensor {
  if (!sameShape(targetClassLogProb.shape, loggingClassLogProb.shape)) {
    throw invalid(
      'loggingClassLogProb.shape',
      loggingClassLogProb.shape,
      `${showShape(targetClassLogProb.shape)}, one number for each of the target's`,
    );
  }
  assertBelowInfinity(
    'targetClassLogProb',
    targetClassLogProb,
    'at most 0 (-Infinity where the target never says the class)',
  );
  assertBelowInfinity(
    'loggingClassLogProb',
    loggingClassLogProb,
    'a finite number: the class was logged, so that it has a probability',
    -Infinity,
  );
  return sub(targetClassLogProb, loggingClassLogProb);
}
// #endregion T19

function assertBelowInfinity(argument: string, x: Tensor, expected: string, refused = Number.NaN): void {
  x.dataSync().forEach((value, j) => {
    if (Number.isNaN(value) || value === Infinity || value === refused) {
      throw new PopeError(`${argument}[${j}] is ${value}; expected ${expected}.`, { argument, got: value, expected });
    }
  });
}
