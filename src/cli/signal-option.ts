import type { Log } from '../ope/index.js';
import { type Signal, signalTransforms } from '../pope/index.js';
import { invalid, PopeError } from '../util/index.js';
import { numberOption } from './options.js';

const isTransform = (text: string): text is Signal['transform'] =>
  (signalTransforms as readonly string[]).includes(text);

/**
 * Reads NAME[:TRANSFORM[:WEIGHT]]. A name that has colons itself is written with its transform: a:b:identity.
 * @throws PopeError for an unknown transform or a weight that is no number.
 */
export function signalOption(text: string): Signal {
  const parts = text.split(':');
  const last = parts.at(-1)!;
  if (parts.length === 1 && text !== '') return { name: text, transform: 'identity', weight: 1 };
  if (parts.length >= 2 && isTransform(last)) return named(text, parts.slice(0, -1), last, 1);
  const transform = parts.at(-2)!;
  if (parts.length >= 3 && isTransform(transform))
    return named(text, parts.slice(0, -2), transform, numberOption(`the weight of --signal ${text}`)(last));
  throw invalid(
    `the transform of --signal ${text}`,
    parts[1] ?? '',
    `one of ${signalTransforms.join(', ')} (NAME[:TRANSFORM[:WEIGHT]])`,
  );
}

function named(text: string, name: readonly string[], transform: Signal['transform'], weight: number): Signal {
  const joined = name.join(':');
  if (joined === '') throw invalid('--signal', text, 'NAME[:TRANSFORM[:WEIGHT]]');
  return { name: joined, transform, weight };
}

/** The signals asked for, or the log's only one. @throws PopeError where there is a choice to make, or nothing to choose. */
export function signalsOf(log: Log, asked: readonly Signal[] | undefined): readonly Signal[] {
  const names = [...log.feedback.keys()];
  if (names.length === 0) {
    throw new PopeError('the log has no feedback; expected at least one signal under feedback on its responses.', {
      argument: '--signal',
    });
  }
  const unknown = asked?.find(({ name }) => !log.feedback.has(name));
  if (unknown !== undefined) throw invalid('--signal', unknown.name, `a signal of the log (${names.join(', ')})`);
  const again = asked?.find(
    ({ name, transform }, i) => asked.findIndex((s) => s.name === name && s.transform === transform) < i,
  );
  if (again !== undefined) {
    throw new PopeError(
      `--signal ${again.name}:${again.transform} is given twice; expected each signal once with a transform. A weight says how much it counts: ${again.name}:${again.transform}:2.`,
      { argument: '--signal', got: `${again.name}:${again.transform}` },
    );
  }
  if (asked !== undefined && asked.length > 0) return asked;
  if (names.length > 1) {
    throw new PopeError(
      `the log has ${names.length} signals (${names.join(', ')}); expected --signal NAME to choose one or several.`,
      {
        argument: '--signal',
      },
    );
  }
  return [{ name: names[0], transform: 'identity', weight: 1 }];
}
