import { invalid } from '../../util/index.js';
import { type BpeModel, MAX_VOCAB, type Merge, pairKey } from './bpe-model.js';
import { byteToChar, charToByte } from './byte-alphabet.js';
import { END_OF_TEXT } from './tokenizer.js';

/** tokenizer.json of a byte-level BPE, as Hugging Face's `tokenizers` writes and reads it. */
export interface BpeJson {
  readonly version: '1.0';
  readonly truncation: null;
  readonly padding: null;
  readonly added_tokens: readonly {
    readonly id: number;
    readonly content: string;
    readonly single_word: false;
    readonly lstrip: false;
    readonly rstrip: false;
    readonly normalized: false;
    readonly special: true;
  }[];
  readonly normalizer: null;
  readonly pre_tokenizer: ByteLevelJson;
  readonly post_processor: null;
  readonly decoder: ByteLevelJson;
  readonly model: {
    readonly type: 'BPE';
    readonly dropout: null;
    readonly unk_token: null;
    readonly continuing_subword_prefix: null;
    readonly end_of_word_suffix: null;
    readonly fuse_unk: false;
    readonly byte_fallback: false;
    readonly ignore_merges: false;
    readonly vocab: Readonly<Record<string, number>>;
    readonly merges: readonly (readonly [string, string])[];
  };
}

interface ByteLevelJson {
  readonly type: 'ByteLevel';
  readonly add_prefix_space: false;
  readonly trim_offsets: true;
  readonly use_regex: true;
}

type Unchecked = Readonly<Record<string, unknown>>;

const isRecord = (value: unknown): value is Unchecked =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const byteLevel: ByteLevelJson = { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: true };

export function bpeToJson({ tokens, merges, specialIds }: BpeModel): BpeJson {
  return {
    version: '1.0',
    truncation: null,
    padding: null,
    added_tokens: [...specialIds].map((id) => ({
      id,
      content: tokens[id]!,
      single_word: false,
      lstrip: false,
      rstrip: false,
      normalized: false,
      special: true,
    })),
    normalizer: null,
    pre_tokenizer: byteLevel,
    post_processor: null,
    decoder: byteLevel,
    model: {
      type: 'BPE',
      dropout: null,
      unk_token: null,
      continuing_subword_prefix: null,
      end_of_word_suffix: null,
      fuse_unk: false,
      byte_fallback: false,
      ignore_merges: false,
      // fromEntries and not assignment: a token may be called __proto__.
      vocab: Object.fromEntries(tokens.map((token, id) => [token, id])),
      merges: merges.map(({ left, right }) => [tokens[left]!, tokens[right]!]),
    },
  };
}

/**
 * Reads a tokenizer.json of GPT-2's kind: byte-level BPE, GPT-2's pre-tokeniser, every byte a token, an
 * `<|endoftext|>`. Merges are pairs or, as older files have them, strings `left right`. What would make ids differ
 * from those of the program that wrote the file is refused. `post_processor`, truncation and padding are not applied:
 * ids are those of `encode(text, add_special_tokens=False)`.
 * @throws PopeError naming the key that is wrong.
 */
export function bpeFromJson(json: Unchecked): BpeModel {
  const model = json['model'];
  if (!isRecord(model)) throw invalid('tokenizer.model', model, 'an object');
  if (model['type'] !== 'BPE')
    throw invalid('tokenizer.model.type', model['type'], "'BPE'", 'Only byte-level BPE is read.');
  checkPipeline(json, model);

  const vocab = model['vocab'];
  if (!isRecord(vocab)) throw invalid('tokenizer.model.vocab', vocab, 'an object token -> id');
  const special = addedTokens(json['added_tokens']);
  const idOf = new Map<string, number>();
  for (const [token, id] of Object.entries(vocab))
    idOf.set(token, checkId(`tokenizer.model.vocab[${JSON.stringify(token)}]`, id));
  for (const [content, id] of special) {
    const known = idOf.get(content);
    if (known !== undefined && known !== id)
      throw invalid('tokenizer.added_tokens', id, `id ${known} for ${content}, as in model.vocab`);
    idOf.set(content, id);
  }
  const eosId = idOf.get(END_OF_TEXT);
  if (eosId === undefined) throw invalid('tokenizer.added_tokens', [...special.keys()], `a list with ${END_OF_TEXT}`);
  const specialIds = new Set([...special.values(), eosId]);

  const tokens = new Array<string | undefined>(idOf.size).fill(undefined);
  for (const [token, id] of idOf) {
    const where = `tokenizer.model.vocab[${JSON.stringify(token)}]`;
    if (id >= tokens.length) throw invalid(where, id, `ids from 0 to ${tokens.length - 1} without a gap`);
    if (tokens[id] !== undefined) throw invalid(where, id, `an id of its own; ${JSON.stringify(tokens[id])} has it`);
    if (token === '') throw invalid(where, id, 'no empty token');
    const isBytes = [...token].every((character) => charToByte.has(character));
    if (!isBytes && !specialIds.has(id)) {
      throw invalid(where, id, "a token in GPT-2's byte alphabet", 'Is this vocabulary byte-level?');
    }
    tokens[id] = token;
  }
  byteToChar.forEach((character, byte) => {
    const id = idOf.get(character);
    if (id === undefined || specialIds.has(id)) {
      throw invalid(`tokenizer.model.vocab[${JSON.stringify(character)}]`, id, `an id for byte ${byte}`);
    }
  });
  return { tokens: tokens as string[], merges: readMerges(model['merges'], idOf, specialIds), specialIds, eosId };
}

function checkId(where: string, id: unknown): number {
  if (typeof id !== 'number' || !Number.isInteger(id) || id < 0 || id >= MAX_VOCAB) {
    throw invalid(where, id, `an integer from 0 to ${MAX_VOCAB - 1}`);
  }
  return id;
}

/** Refuses settings under which the file's own program would give other ids. Absent keys have their defaults. */
function checkPipeline(json: Unchecked, model: Unchecked): void {
  if (json['normalizer'] != null) throw invalid('tokenizer.normalizer', json['normalizer'], 'null');
  const splitter = json['pre_tokenizer'];
  if (!isRecord(splitter)) throw invalid('tokenizer.pre_tokenizer', splitter, "an object of type 'ByteLevel'");
  const expectKey = (where: string, value: unknown, allowed: readonly unknown[]): void => {
    if (!allowed.includes(value))
      throw invalid(
        where,
        value,
        allowed
          .filter((x) => x !== undefined)
          .map((x) => JSON.stringify(x))
          .join(' or '),
      );
  };
  expectKey('tokenizer.pre_tokenizer.type', splitter['type'], ['ByteLevel']);
  // Its default is true in Hugging Face's library, so that it must be there.
  expectKey('tokenizer.pre_tokenizer.add_prefix_space', splitter['add_prefix_space'], [false]);
  expectKey('tokenizer.pre_tokenizer.use_regex', splitter['use_regex'], [true, undefined]);
  const decoder = json['decoder'];
  if (decoder != null)
    expectKey('tokenizer.decoder.type', isRecord(decoder) ? decoder['type'] : decoder, ['ByteLevel']);
  expectKey('tokenizer.model.dropout', model['dropout'], [null, 0, undefined]);
  expectKey('tokenizer.model.continuing_subword_prefix', model['continuing_subword_prefix'], [null, '', undefined]);
  expectKey('tokenizer.model.end_of_word_suffix', model['end_of_word_suffix'], [null, '', undefined]);
  expectKey('tokenizer.model.ignore_merges', model['ignore_merges'], [false, undefined]);
}

function addedTokens(list: unknown): Map<string, number> {
  const found = new Map<string, number>();
  if (list == null) return found;
  if (!Array.isArray(list)) throw invalid('tokenizer.added_tokens', list, 'a list');
  list.forEach((entry: unknown, i) => {
    const where = `tokenizer.added_tokens[${i}]`;
    if (!isRecord(entry)) throw invalid(where, entry, 'an object');
    const { content, id, special } = entry;
    if (typeof content !== 'string' || content === '') throw invalid(`${where}.content`, content, 'a string');
    if (found.has(content)) throw invalid(`${where}.content`, content, 'a token that is not in the list already');
    // A token that is not special would be looked for in every text; GPT-2 has none.
    if (special !== true && content !== END_OF_TEXT) throw invalid(`${where}.special`, special, 'true');
    found.set(content, checkId(`${where}.id`, id));
  });
  return found;
}

function readMerges(list: unknown, idOf: ReadonlyMap<string, number>, specialIds: ReadonlySet<number>): Merge[] {
  if (!Array.isArray(list)) throw invalid('tokenizer.model.merges', list, 'a list');
  const seen = new Set<number>();
  return list.map((entry: unknown, i) => {
    const where = `tokenizer.model.merges[${i}]`;
    const pair: unknown = typeof entry === 'string' ? entry.split(' ') : entry;
    if (!Array.isArray(pair) || pair.length !== 2 || pair.some((part) => typeof part !== 'string')) {
      throw invalid(where, entry, 'a pair of tokens');
    }
    const [first, second] = pair as [string, string];
    const find = (token: string): number => {
      const id = idOf.get(token);
      if (id === undefined || specialIds.has(id))
        throw invalid(where, entry, `tokens of model.vocab; ${JSON.stringify(token)} is none`);
      return id;
    };
    const merge = { left: find(first), right: find(second), joined: find(first + second) };
    const key = pairKey(merge.left, merge.right);
    if (seen.has(key)) throw invalid(where, entry, 'a pair that is not in the list already');
    seen.add(key);
    return merge;
  });
}
