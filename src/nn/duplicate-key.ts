/**
 * The first key that an object in `json` has twice, or undefined. `JSON.parse` keeps the last of two in silence, so
 * that two readers may see different files. Escaped spellings of one key (`"a"`, `"\u0061"`) count as equal.
 * @param json text that `JSON.parse` has accepted.
 */
export function duplicateKey(json: string): string | undefined {
  const open: (Set<string> | undefined)[] = [];
  for (let at = 0; at < json.length; at++) {
    const character = json[at];
    if (character === '{') open.push(new Set());
    else if (character === '[') open.push(undefined);
    else if (character === '}' || character === ']') open.pop();
    else if (character === '"') {
      const start = at++;
      for (; json[at] !== '"'; at++) if (json[at] === '\\') at++;
      let after = at + 1;
      while (json[after] === ' ' || json[after] === '\n' || json[after] === '\r' || json[after] === '\t') after++;
      const keys = open.at(-1);
      if (json[after] !== ':' || keys === undefined) continue;
      const key = JSON.parse(json.slice(start, at + 1)) as string;
      if (keys.has(key)) return key;
      keys.add(key);
    }
  }
  return undefined;
}
