/** Longer texts are seldom repeated, and dear to compare. */
const LONGEST = 64;
/** V8 copies a slice up to this length; a longer one would keep the whole block alive. */
const COPIED = 12;
const SLOTS = 4096;

/** Texts of a block, each made once. */
export interface Texts {
  /** bytes[start .. end), which is text[from .. to). */
  text(bytes: Uint8Array, start: number, end: number, text: string, from: number, to: number): string;
}

/** A log repeats prompts, names and often responses: each slot of a table remembers the last text of its hash. */
export function createTexts(): Texts {
  const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
  const known: string[] = new Array(SLOTS);
  const spelled: Uint8Array[] = new Array(SLOTS);
  return {
    text(bytes, start, end, text, from, to) {
      const length = end - start;
      if (length > LONGEST) return text.slice(from, to);
      let hash = length;
      for (let i = start; i < end; i++) hash = (Math.imul(hash, 31) + bytes[i]) | 0;
      const slot = (hash ^ (hash >>> 12)) & (SLOTS - 1);
      const spelling = spelled[slot];
      if (spelling !== undefined && isSame(spelling, bytes, start, length)) return known[slot];
      const slice = text.slice(from, to);
      const copy = length <= COPIED ? slice : decoder.decode(bytes.subarray(start, end));
      // half a surrogate pair has no bytes of its own
      const made = copy === slice ? copy : slice;
      known[slot] = made;
      spelled[slot] = bytes.slice(start, end);
      return made;
    },
  };
}

function isSame(spelling: Uint8Array, bytes: Uint8Array, start: number, length: number): boolean {
  if (spelling.length !== length) return false;
  for (let i = 0; i < length; i++) if (spelling[i] !== bytes[start + i]) return false;
  return true;
}
