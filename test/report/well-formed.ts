/** A tiny XML checker: the texts and attribute values of a document, or an error where tags or quotes do not balance. */
export function readXml(source: string): { names: string[]; strings: string[] } {
  const names: string[] = [];
  const strings: string[] = [];
  const open: string[] = [];
  const token = /<(\/?)([A-Za-z][\w:-]*)((?:\s+[\w:-]+="[^"<]*")*)\s*(\/?)>|<style>[^<]*<\/style>|([^<]+)/gy;
  const body = source.replace(/^<!DOCTYPE html>\n/, '');
  let end = 0;
  for (let match = token.exec(body); match !== null; match = token.exec(body)) {
    end = token.lastIndex;
    const [, close, name, attributes, empty, text] = match;
    if (text !== undefined) strings.push(decode(text));
    else if (name === undefined) continue;
    else if (close === '/') {
      const expected = open.pop();
      if (expected !== name) throw new Error(`</${name}> closes <${expected}>`);
    } else {
      names.push(name);
      const seen = new Set<string>();
      for (const [, key, value] of (attributes ?? '').matchAll(/([\w:-]+)="([^"]*)"/g)) {
        if (seen.has(key as string)) throw new Error(`attribute ${key} twice`);
        seen.add(key as string);
        strings.push(decode(value as string));
      }
      if (empty !== '/') open.push(name);
    }
  }
  if (end !== body.length) throw new Error(`not well-formed at ${JSON.stringify(body.slice(end, end + 60))}`);
  if (open.length > 0) throw new Error(`<${open.at(-1)}> is not closed`);
  return { names, strings };
}

const ENTITIES: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', '#39': "'" };

function decode(text: string): string {
  return text.replace(/&([^;]{0,6};?)/g, (whole, name: string) => {
    const character = ENTITIES[name.replace(/;$/, '')];
    if (character === undefined || !name.endsWith(';')) throw new Error(`unknown entity ${whole}`);
    return character;
  });
}
