import { fc, test } from '@fast-check/vitest';
import { CommanderError } from 'commander';
import { describe, expect, it } from 'vitest';
import { errorText, exitCodeOf } from '../../src/cli/exit-code.js';
import { limitOption, limitsOf } from '../../src/cli/limit-option.js';
import { integerOption, listOption, numberOption, rangeOption, splitPair } from '../../src/cli/options.js';
import { createProgress } from '../../src/cli/progress.js';
import { signalOption } from '../../src/cli/signal-option.js';
import { defaultLimits } from '../../src/ope/index.js';
import { signalTransforms } from '../../src/pope/index.js';
import { PopeError } from '../../src/util/index.js';

// no -0, which prints as 0
const finite = fc.double({ noNaN: true, noDefaultInfinity: true }).map((x) => x + 0);

describe('options', () => {
  test.prop([finite])('every finite number is read back as it was printed', (x) => {
    expect(numberOption('--x')(String(x))).toBe(x);
  });

  test.prop([fc.string()])('what is not a plain number is refused', (text) => {
    fc.pre(!/^\s*[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?\s*$/i.test(text));
    expect(() => numberOption('--x')(text)).toThrow(PopeError);
  });

  it('bounds are kept, open ones shut', () => {
    const open = numberOption('--x', 0, 1, { above: true, below: true });
    expect([open('0.5'), numberOption('--x', 0, 1)('0'), numberOption('--x', 0, 1)('1')]).toEqual([0.5, 0, 1]);
    for (const text of ['0', '1', '-1', '2', '1e999', '']) expect(() => open(text)).toThrow('--x');
    for (const text of ['1.5', '0', 'x', '1e30']) expect(() => integerOption('--n', 1)(text)).toThrow('--n');
  });

  it('lists, ranges and pairs', () => {
    const list = listOption('--list', ['a', 'b', 'c']);
    expect(list('c, a,c')).toEqual(['c', 'a']);
    expect(list('all')).toBeUndefined();
    for (const text of ['', 'a,', 'd']) expect(() => list(text)).toThrow('--list');
    expect(rangeOption('--r')('-1, 2.5')).toEqual([-1, 2.5]);
    for (const text of ['1', '1,1', '2,1', '1,2,3', ',', 'a,b', '0,Infinity'])
      expect(() => rangeOption('--r')(text)).toThrow('--r');
    expect(splitPair('--t', 'a=b=c', '')).toEqual(['a', 'b=c']);
    for (const text of ['=b', 'a=', 'a', '']) expect(() => splitPair('--t', text, 'NAME=PATH')).toThrow('NAME=PATH');
  });

  test.prop([fc.string({ minLength: 1 }), fc.constantFrom(...signalTransforms), finite])(
    'a signal in full is read back, whatever its name',
    (name, transform, weight) => {
      expect(signalOption(`${name}:${transform}:${weight}`)).toEqual({ name, transform, weight });
      expect(signalOption(`${name}:${transform}`)).toEqual({ name, transform, weight: 1 });
    },
  );

  it('signals in short, and none', () => {
    expect(signalOption('votes')).toEqual({ name: 'votes', transform: 'identity', weight: 1 });
    for (const text of ['', ':log1p', 'votes:', 'votes:log1p:', 'votes:log:1'])
      expect(() => signalOption(text)).toThrow('--signal');
  });

  it('limits replace their own figure, and weak stays the milder', () => {
    expect(limitsOf([])).toEqual(defaultLimits);
    expect(limitsOf([limitOption('ess=500')]).effectiveSampleSize).toEqual({ refuse: 500, weak: 500 });
    expect(limitsOf([limitOption('ess=5')]).effectiveSampleSize).toEqual({
      refuse: 5,
      weak: defaultLimits.effectiveSampleSize.weak,
    });
    expect(limitsOf([limitOption('max_weight_share=0.01')]).maxWeightShare).toEqual({ refuse: 0.01, weak: 0.01 });
    expect(limitsOf([limitOption('ess_share=0.1,0.2'), limitOption('pareto_k=0.7')])).toEqual({
      ...defaultLimits,
      effectiveShare: { refuse: 0.1, weak: 0.2 },
      paretoK: { refuse: 0.7 },
    });
    for (const text of [
      'ess',
      'ess=',
      'ess=a',
      'ess=-1',
      'ess=1,2,3',
      'max_weight_share=0.1,0.2',
      'pareto_k=1,2',
      'x=1',
    ]) {
      expect(() => limitOption(text)).toThrow(PopeError);
    }
  });
});

describe('exit codes', () => {
  it('tell bad input from what failed on the way', () => {
    const disk = Object.assign(new Error('full'), { code: 'ENOSPC' });
    const denied = Object.assign(new Error('denied'), { code: 'EACCES' });
    expect(exitCodeOf(new PopeError('bad'))).toBe(2);
    expect(exitCodeOf(new PopeError('full', { code: 'bad_file', cause: disk }))).toBe(1);
    expect(exitCodeOf(new PopeError('denied', { code: 'bad_file', cause: denied }))).toBe(2);
    expect(exitCodeOf(new PopeError('diverged', { code: 'diverged' }))).toBe(1);
    expect(exitCodeOf(new RangeError('Array buffer allocation failed'))).toBe(1);
    expect(exitCodeOf(new CommanderError(1, 'commander.unknownOption', ''))).toBe(2);
    expect(exitCodeOf(new CommanderError(0, 'commander.helpDisplayed', ''))).toBe(0);
  });

  it('an unexpected error is a sentence, with its stack on request', () => {
    expect(errorText(new TypeError('x is undefined'), false)).toBe(
      'pope: an unexpected error: x is undefined. Run again with --debug for the stack.\n',
    );
    expect(errorText(new TypeError('x'), true)).toContain('    at ');
    expect(errorText(new PopeError('bad.'), false)).toBe('pope: bad.\n');
    expect(errorText('thrown text', false)).toContain('thrown text');
  });
});

describe('progress', () => {
  const CLEAR = '\r\u001b[2K';
  const watch = (isTTY: boolean, quiet = false) => {
    let text = '';
    let time = 0;
    const progress = createProgress({ write: (t) => void (text += t), isTTY, columns: 60 }, { quiet, now: () => time });
    progress.start('scoring', 10);
    const draw = (at: number, done: number): string => {
      text = '';
      time = at;
      progress.at(done);
      return text;
    };
    return { progress, draw, text: () => text };
  };

  it('is silent for a second, then draws, not too often, and clears', () => {
    const { progress, draw, text } = watch(true);
    expect(draw(900, 2)).toBe('');
    expect(draw(1100, 5)).toBe(`${CLEAR}scoring ${'█'.repeat(12)}${'░'.repeat(12)} 50%, 2 s left`);
    expect(draw(1150, 6)).toBe('');
    expect(draw(1300, 10)).toContain('100%');
    progress.stop();
    expect(text().endsWith(CLEAR)).toBe(true);
  });

  it('is silent where there is no terminal, and with --quiet', () => {
    expect(watch(false).draw(5000, 5)).toBe('');
    expect(watch(true, true).draw(5000, 5)).toBe('');
  });
});
