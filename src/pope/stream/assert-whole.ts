import { invalid, PopeError } from '../../util/index.js';
import { components } from '../result.js';
import type { StreamRecord } from './stream-record.js';
import type { StreamSettings } from './stream-settings.js';
import { wholeKeys } from './whole-keys.js';

/** @throws PopeError where what was read is no log that can be evaluated: each sentence says what is missing. */
export function assertWhole(record: StreamRecord, settings: StreamSettings): void {
  if (record.read === 0)
    throw new PopeError('the stream has read no rounds; expected at least one.', { argument: 'log' });
  const unknown = settings.signals.find(({ name }) => !record.signals.includes(name));
  if (unknown !== undefined) {
    throw invalid('signal', unknown.name, 'a signal of the log, but none of its responses has a number for it');
  }
  if (record.rounds === 0) {
    throw new PopeError(
      `no response has a number for ${settings.signals.map((s) => s.name).join(', ')}; expected feedback on at least one.`,
      { argument: 'signals' },
    );
  }
  if (settings.diversity === 'slate' && record.responses === record.rounds) {
    throw new PopeError(
      'every slate has one response; expected slates of at least two for diversity "slate". Choose another --diversity.',
      { argument: 'diversity' },
    );
  }
  const targets = Object.entries(record.targets);
  for (const [name, { rounds }] of targets) {
    if (rounds === record.rounds) continue;
    throw new PopeError(
      `target ${name} is on ${rounds} of ${record.rounds} rounds; expected its log-probabilities on all of them or on none.`,
      { argument: 'target_log_prob', got: name },
    );
  }
  for (const key of settings.asked) {
    const used = targets.some(
      ([name, { own }]) =>
        wholeKeys(record, settings, name).includes(key) &&
        components.some((c) => own[c][key]?.rounds === record.rounds),
    );
    if (used || targets.length === 0) continue;
    throw new PopeError(
      `estimator ${key} lacks its inputs: model-based ones need predicted_value.TARGET and predicted_reward on every response, log_smoothing a utility of at least 0, and all but joint_ips a utility that is local (not rank or share).`,
      { argument: 'estimators', got: key },
    );
  }
}
