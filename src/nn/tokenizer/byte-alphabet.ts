/**
 * GPT-2's alphabet for bytes: each of the 256 bytes has a printable character, so that tokens can be written in JSON
 * and merges split at spaces. Printable Latin-1 bytes stand for themselves; the others, in order, are U+0100 onwards
 * (space is U+0120, newline U+010A).
 */
const isPrintable = (byte: number): boolean =>
  (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte <= 0xac) || (byte >= 0xae && byte <= 0xff);

/** Byte to its character. */
export const byteToChar: readonly string[] = (() => {
  let shifted = 0x100;
  return Array.from({ length: 256 }, (_, byte) => String.fromCharCode(isPrintable(byte) ? byte : shifted++));
})();

/** Character to its byte. */
export const charToByte: ReadonlyMap<string, number> = new Map(byteToChar.map((character, byte) => [character, byte]));

/** The bytes in the order of their characters: GPT-2's token ids 0 to 255. */
export const byteOrder: readonly number[] = Array.from({ length: 256 }, (_, byte) => byte).sort((a, b) =>
  byteToChar[a]! < byteToChar[b]! ? -1 : 1,
);
