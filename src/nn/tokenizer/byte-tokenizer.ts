import { assertText, checkedId, type Tokenizer } from './tokenizer.js';
import { utf8Decode, utf8Encode } from './utf8.js';

/** tokenizer.json of a byte tokenizer: the kind says everything. */
export interface ByteJson {
  readonly type: 'byte';
  readonly version: 1;
}

const EOS = 256;

/** One token a UTF-8 byte: ids 0 to 255 are the bytes, 256 is end of text. Every text can be encoded. */
export function byteTokenizer(): Tokenizer {
  return {
    kind: 'byte',
    vocabSize: EOS + 1,
    eosId: EOS,
    encode(text) {
      assertText(text);
      return Int32Array.from(utf8Encode(text));
    },
    decode(ids) {
      const bytes = new Uint8Array(ids.length);
      let length = 0;
      for (let i = 0; i < ids.length; i++) {
        const id = checkedId(ids, i, EOS + 1);
        if (id !== EOS) bytes[length++] = id;
      }
      return utf8Decode(bytes.subarray(0, length));
    },
    toJSON: () => ({ type: 'byte', version: 1 }),
  };
}
