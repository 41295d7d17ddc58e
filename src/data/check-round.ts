import type { Report } from './place.js';
import { isObject, type JsonObject, type RoundRecord } from './record.js';

/** Prompts nested deeper than this are refused: no feature record is, and recursion must stay bounded. */
const MAX_DEPTH = 32;
const LOG_PROB = 'a natural logarithm of a probability, at most 0';
const LOG_PROB_HINT = 'Did you pass a negative log-likelihood or a density?';

/**
 * Checks the known keys of one round against interface.md section 1; unknown keys are not looked at.
 * Every fault is reported; true where there was none. Written by hand since it runs once a round on logs of millions.
 */
export function checkRound(value: unknown, report: Report): value is RoundRecord {
  let ok = true;
  const fail: Report = (path, got, expected, hint) => {
    ok = false;
    report(path, got, expected, hint);
  };
  if (!isObject(value)) {
    fail('the round', value, 'an object with prompt and responses');
    return false;
  }
  const { id, prompt, responses, cluster, sampling, propensity_source: source } = value;
  if (id !== undefined && id !== null && (typeof id !== 'string' || id === '')) {
    fail('id', id, 'a string that is not empty', typeof id === 'number' ? `Did you mean "${id}"?` : '');
  }
  if (isObject(prompt)) checkFinite('prompt', prompt, 0, fail);
  else if (typeof prompt !== 'string') fail('prompt', prompt, 'a string or an object of features');
  checkResponses(value, responses, fail);
  checkNumbers('predicted_value', value['predicted_value'], false, fail);
  checkDistribution(value['opinion_distribution'], fail);
  if (cluster !== undefined && cluster !== null && (typeof cluster !== 'string' || cluster === '')) {
    fail(
      'cluster',
      cluster,
      'a string that is not empty',
      typeof cluster === 'number' ? `Did you mean "${cluster}"?` : '',
    );
  }
  if (sampling !== undefined && sampling !== null) checkSampling(sampling, fail);
  if (source !== undefined && source !== null && source !== 'logged' && source !== 'fitted') {
    fail('propensity_source', source, '"logged" or "fitted"');
  }
  return ok;
}

function checkResponses(round: JsonObject, responses: unknown, fail: Report): void {
  if (!Array.isArray(responses)) {
    const hint = 'response' in round || 'text' in round ? 'Did you mean "responses": [{"text": ...}]?' : '';
    fail('responses', responses, 'an array of at least one response', hint);
  } else if (responses.length === 0) {
    fail(
      'responses',
      responses,
      'a slate of at least one response',
      'A round with nothing shown says nothing: leave it out.',
    );
  } else {
    for (let j = 0; j < responses.length; j++) checkResponse(responses[j], j, fail);
  }
}

function checkResponse(response: unknown, j: number, fail: Report): void {
  const at = (key: string) => `responses[${j}].${key}`;
  if (!isObject(response)) {
    const hint = typeof response === 'string' ? 'Did you mean {"text": ...}?' : '';
    fail(`responses[${j}]`, response, 'an object with text', hint);
    return;
  }
  const { text, log_propensity, propensity, target_log_prob, opinion, predicted_reward, position } = response;
  if (typeof text !== 'string') fail(at('text'), text, 'a string');
  const hasLog = log_propensity !== undefined && log_propensity !== null;
  const hasPlain = propensity !== undefined && propensity !== null;
  if (hasLog && hasPlain) {
    fail(at('propensity'), propensity, 'nothing beside log_propensity', 'Give exactly one of the two.');
  } else if (hasLog) checkLogPropensity(log_propensity, j, fail);
  else if (hasPlain) checkPropensity(propensity, at('propensity'), fail);
  if (target_log_prob !== undefined && target_log_prob !== null) {
    if (isObject(target_log_prob)) {
      for (const name of Object.keys(target_log_prob)) {
        checkTarget(target_log_prob[name], () => at(`target_log_prob.${name}`), fail);
      }
    } else checkTarget(target_log_prob, () => at('target_log_prob'), fail);
  }
  if (response['feedback'] !== undefined) checkNumbers(() => at('feedback'), response['feedback'], true, fail);
  if (opinion !== undefined && opinion !== null && (typeof opinion !== 'string' || opinion === '')) {
    fail(at('opinion'), opinion, 'a string that is not empty');
  }
  if (predicted_reward !== undefined && predicted_reward !== null && !Number.isFinite(predicted_reward)) {
    fail(at('predicted_reward'), predicted_reward, 'a finite number');
  }
  if (
    position !== undefined &&
    position !== null &&
    !(Number.isInteger(position) && (position as number) >= 1 && (position as number) < 2 ** 31)
  ) {
    fail(at('position'), position, 'an integer of at least 1', position === 0 ? 'Positions count from 1.' : '');
  }
  if (response['group_feedback'] !== undefined) checkGroups(response['group_feedback'], at('group_feedback'), fail);
}

function checkLogPropensity(value: unknown, j: number, fail: Report): void {
  const path = `responses[${j}].log_propensity`;
  if (!Array.isArray(value)) {
    checkLogProb(value, path, fail);
    return;
  }
  if (value.length === 0) fail(path, value, `${LOG_PROB}, or an array of such, one a token`);
  let sum = 0;
  for (let t = 0; t < value.length; t++) {
    if (typeof value[t] === 'number' && value[t] <= 0 && value[t] > -Infinity) sum += value[t];
    else checkLogProb(value[t], `${path}[${t}]`, fail);
  }
  if (sum === -Infinity) fail(path, value, 'token log-probabilities with a finite sum');
}

function checkLogProb(value: unknown, path: string, fail: Report): void {
  if (typeof value !== 'number' || Number.isNaN(value)) fail(path, value, LOG_PROB, notANumber(value));
  else if (value > 0) fail(path, value, LOG_PROB, LOG_PROB_HINT);
  else if (value === -Infinity)
    fail(path, value, `${LOG_PROB}, and finite`, 'A logged response cannot have had probability 0.');
}

function checkPropensity(value: unknown, path: string, fail: Report): void {
  const expected = 'a probability, more than 0 and at most 1';
  if (typeof value !== 'number' || Number.isNaN(value)) fail(path, value, expected, notANumber(value));
  else if (value > 1) fail(path, value, expected, 'Did you pass a percentage, a density or an inverse propensity?');
  else if (value === 0) fail(path, value, expected, 'A logged response cannot have had probability 0.');
  else if (value < 0) fail(path, value, expected, 'Did you pass a log-propensity? Its key is log_propensity.');
}

function checkTarget(value: unknown, path: () => string, fail: Report): void {
  if (value === null || (typeof value === 'number' && value <= 0)) return;
  const expected = `${LOG_PROB}, or null where the target never says it`;
  fail(path(), value, expected, typeof value === 'number' && value > 0 ? LOG_PROB_HINT : notANumber(value));
}

/** An object of finite numbers by name; null stands for missing where allowed. */
function checkNumbers(path: string | (() => string), value: unknown, nullable: boolean, fail: Report): void {
  if (value === undefined || value === null) return;
  const at = () => (typeof path === 'string' ? path : path());
  if (!isObject(value)) {
    fail(at(), value, 'an object of numbers by name');
    return;
  }
  for (const name of Object.keys(value)) {
    const number = value[name];
    if (Number.isFinite(number) || (nullable && number === null)) continue;
    const hint = typeof number === 'boolean' ? `Did you mean ${number ? 1 : 0}?` : notANumber(number);
    fail(`${at()}.${name}`, number, nullable ? 'a finite number, or null where missing' : 'a finite number', hint);
  }
}

function checkGroups(value: unknown, path: string, fail: Report): void {
  if (value === null) return;
  if (!isObject(value)) fail(path, value, 'an object of signals by group of raters');
  else for (const group of Object.keys(value)) checkNumbers(`${path}.${group}`, value[group], true, fail);
}

export function checkDistribution(value: unknown, fail: Report): void {
  if (value === undefined || value === null) return;
  if (!isObject(value)) {
    fail('opinion_distribution', value, 'an object of probabilities by opinion class');
    return;
  }
  let sum = 0;
  for (const name of Object.keys(value)) {
    const share = value[name];
    if (typeof share !== 'number' || !(share >= 0 && share <= 1)) {
      fail(`opinion_distribution.${name}`, share, 'a probability from 0 to 1', notANumber(share));
      return;
    }
    sum += share;
  }
  if (Math.abs(sum - 1) > 1e-6) {
    fail('the sum of opinion_distribution', sum, '1 (to 1e-6)', 'Divide the shares by their sum.');
  }
}

export function checkSampling(value: unknown, fail: Report): void {
  if (!isObject(value)) {
    fail('sampling', value, 'an object such as {"temperature": 1, "top_p": 1}');
    return;
  }
  const { temperature, top_p, top_k } = value;
  const given = (setting: unknown) => setting !== undefined && setting !== null;
  if (given(temperature) && !(Number.isFinite(temperature) && (temperature as number) >= 0)) {
    fail('sampling.temperature', temperature, 'a finite number of at least 0');
  }
  if (given(top_p) && !(typeof top_p === 'number' && top_p > 0 && top_p <= 1)) {
    fail('sampling.top_p', top_p, 'a number, more than 0 and at most 1');
  }
  if (given(top_k) && !(Number.isInteger(top_k) && (top_k as number) >= 0)) {
    fail('sampling.top_k', top_k, 'an integer of at least 0 (0: off)');
  }
}

/** NaN and Infinity anywhere inside a feature record. */
function checkFinite(path: string, value: unknown, depth: number, fail: Report): void {
  if (typeof value === 'number') {
    if (!Number.isFinite(value)) fail(path, value, 'a finite number');
  } else if (typeof value === 'object' && value !== null) {
    if (depth >= MAX_DEPTH) fail('prompt', value, `features nested at most ${MAX_DEPTH} deep`);
    else
      for (const key of Object.keys(value)) checkFinite(`${path}.${key}`, (value as JsonObject)[key], depth + 1, fail);
  }
}

function notANumber(value: unknown): string {
  if (typeof value === 'string')
    return value.trim() !== '' && Number.isFinite(Number(value)) ? 'Did you pass a number in quotes?' : '';
  return typeof value === 'number' && Number.isNaN(value) ? 'NaN cannot be estimated from.' : '';
}
