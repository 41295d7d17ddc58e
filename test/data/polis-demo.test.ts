import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fc, test } from '@fast-check/vitest';
import { describe, expect } from 'vitest';
import { type DemoConversation, parseDemo } from '../../src/data/polis-demo.js';
import { PopeError } from '../../src/util/index.js';

const root = resolve(import.meta.dirname, '../..');
const path = join(root, 'data/polis-demo.json');
const polis = resolve(root, '../shared/data/polis');
const CHARACTERS: Readonly<Record<number, string>> = { 1: '+', [-1]: '-', 0: '0' };

const small = {
  format: 'pope-polis-demo/1',
  conversations: [
    {
      key: 'k',
      topic: 't',
      description: '',
      groups: ['A', 'B'],
      statements: [
        { id: 3, text: 'one', opinion: 'A' },
        { id: 5, text: 'two', opinion: 'B' },
      ],
      participants: ['A+-', 'B0+'],
    },
  ],
};
type Mutable = { [key: string]: unknown };
const broken = (change: (conversation: Mutable) => void): unknown => {
  const copy = structuredClone(small);
  change(copy.conversations[0] as unknown as Mutable);
  return copy;
};

/** The inverse of parseDemo, for round trips. */
const pack = (conversations: readonly DemoConversation[]): unknown => ({
  format: 'pope-polis-demo/1',
  conversations: conversations.map(({ participants, ...rest }) => ({
    ...rest,
    participants: participants.map(({ group, votes }) => group + [...votes].map((v) => CHARACTERS[v]).join('')),
  })),
});

const conversation = fc
  .record({
    groups: fc.constantFrom<string[]>(['A'], ['A', 'B'], ['A', 'B', 'C', 'D']),
    size: fc.integer({ min: 1, max: 6 }),
  })
  .chain(({ groups, size }) =>
    fc.record({
      key: fc.string({ minLength: 1 }),
      topic: fc.string({ minLength: 1 }),
      description: fc.string(),
      groups: fc.constant(groups),
      statements: fc.uniqueArray(
        fc.record({ id: fc.nat(), text: fc.string({ minLength: 1 }), opinion: fc.constantFrom(...groups) }),
        { minLength: size, maxLength: size, selector: ({ id }) => id },
      ),
      participants: fc.array(
        fc.record({
          group: fc.constantFrom(...groups),
          votes: fc
            .array(fc.integer({ min: -1, max: 1 }), { minLength: size, maxLength: size })
            .map((v) => Int8Array.from(v)),
        }),
        { minLength: 1, maxLength: 5 },
      ),
    }),
  );

describe('parseDemo', () => {
  test('expands a small file', () => {
    expect(parseDemo(small)[0]?.participants).toEqual([
      { group: 'A', votes: Int8Array.of(1, -1) },
      { group: 'B', votes: Int8Array.of(0, 1) },
    ]);
  });

  test.prop([fc.uniqueArray(conversation, { minLength: 1, maxLength: 3, selector: ({ key }) => key })])(
    'reads back what was packed',
    (conversations) => {
      expect(parseDemo(JSON.parse(JSON.stringify(pack(conversations))))).toEqual(conversations);
    },
  );

  test.prop([fc.jsonValue()])('refuses any other JSON with a PopeError', (json) => {
    expect(() => parseDemo(json)).toThrow(PopeError);
  });

  test.each<[string, (c: Mutable) => void, RegExp]>([
    ['a vote too few', (c) => (c['participants'] = ['A+']), /participants\[0\] is "A\+"; expected .* 3 characters/],
    ['an unknown vote', (c) => (c['participants'] = ['A+-', 'B+?']), /participants\[1\], vote 2, is "\?"/],
    ['an unknown group', (c) => (c['participants'] = ['C+-']), /group letter, is "C"; expected one of A, B/],
    [
      'an unknown opinion',
      (c) => (c['statements'] = [{ id: 1, text: 'x', opinion: 'Z' }]),
      /statements\[0\].opinion is "Z"/,
    ],
    ['an empty text', (c) => (c['statements'] = [{ id: 1, text: '', opinion: 'A' }]), /statements\[0\].text is ""/],
    ['a fractional id', (c) => (c['statements'] = [{ id: 1.5, text: 'x', opinion: 'A' }]), /statements\[0\].id is 1.5/],
    ['no statements', (c) => (c['statements'] = []), /statements is \[\]/],
    ['no participants', (c) => delete c['participants'], /participants is undefined/],
    ['a group twice', (c) => (c['groups'] = ['A', 'A']), /groups has the letter A twice/],
    ['a statement twice', (c) => (c['statements'] = Array(2).fill({ id: 1, text: 'x', opinion: 'A' })), /id 1 twice/],
  ])('refuses %s', (_, change, message) => {
    expect(() => parseDemo(broken(change))).toThrow(message);
  });

  test('refuses another format', () => {
    expect(() => parseDemo({ ...small, format: 'x' })).toThrow(/demo.format is "x"; expected "pope-polis-demo\/1"/);
  });
});

describe('data/polis-demo.json', () => {
  const conversations = parseDemo(JSON.parse(readFileSync(path, 'utf8')));

  test('is small, and within the promised sizes', () => {
    expect(statSync(path).size).toBeLessThanOrEqual(250_000);
    expect(conversations.length).toBeGreaterThanOrEqual(10);
    for (const { statements, participants, groups } of conversations) {
      expect(statements.length).toBeGreaterThanOrEqual(20);
      expect(statements.length).toBeLessThanOrEqual(40);
      expect(participants.length).toBeGreaterThanOrEqual(40);
      expect(participants.length).toBeLessThanOrEqual(400);
      expect(new Set(participants.map(({ group }) => group))).toEqual(new Set(groups));
      for (const { text } of statements) expect(text.length).toBeLessThanOrEqual(200);
    }
  });

  test('carries the attribution that its licence asks for', () => {
    const { license, attribution } = JSON.parse(readFileSync(path, 'utf8')) as Record<string, string>;
    expect(license).toMatch(/CC BY 4\.0/);
    expect(attribution).toMatch(/The Computational Democracy Project/);
    expect(readFileSync(join(root, 'data/README.md'), 'utf8')).toMatch(/creativecommons\.org\/licenses\/by\/4\.0/);
  });

  test('is made again by the script, byte for byte', { timeout: 60_000 }, ({ skip }) => {
    if (!existsSync(polis)) skip(`${polis} is not here`);
    const folder = mkdtempSync(join(tmpdir(), 'polis-demo-'));
    try {
      const again = join(folder, 'again.json');
      execFileSync(process.execPath, [join(root, 'scripts/make-demo-data.mjs'), polis, again], { stdio: 'ignore' });
      expect(readFileSync(again).equals(readFileSync(path))).toBe(true);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
