const encoder = new TextEncoder();
// ignoreBOM keeps a leading U+FEFF in the text: without it decode(encode(s)) would lose that character.
const decoder = new TextDecoder('utf-8', { ignoreBOM: true });

/** Bytes of `text` in UTF-8; a lone surrogate becomes U+FFFD (bytes EF BF BD). */
export const utf8Encode = (text: string): Uint8Array => encoder.encode(text);

/** Text of UTF-8 `bytes`; malformed sequences become U+FFFD. A byte-order mark is kept. */
export const utf8Decode = (bytes: Uint8Array): string => decoder.decode(bytes);

/** `text` with every lone surrogate replaced by U+FFFD. */
export const wellFormed = (text: string): string => text.replace(/\p{Surrogate}/gu, '\uFFFD');
