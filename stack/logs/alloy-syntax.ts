/**
 * Reads Alloy’s configuration syntax as far as ours needs it: blocks, attributes, strings, numbers, lists, maps, references and calls. For
 * tests, since Alloy itself cannot be had there.
 */

export type AlloyValue =
  | string
  | number
  | AlloyValue[]
  | { map: Record<string, AlloyValue> }
  | { reference: string }
  | { call: string; args: AlloyValue[] };

export interface AlloyBlock {
  /** Such as `loki.write`. */
  name: string;
  label: string | null;
  attributes: Record<string, AlloyValue>;
  blocks: AlloyBlock[];
}

const TOKEN =
  /\s+|\/\/[^\n]*|(?<string>"(?:[^"\\\n]|\\.)*"|`[^`]*`)|(?<number>\d+(?:\.\d+)?)|(?<name>[A-Za-z_][\w.]*)|(?<mark>[{}[\]()=,])/y;

interface Token {
  kind: 'string' | 'number' | 'name' | 'mark';
  text: string;
}

/** The top-level blocks. Throws where the text is not of this syntax. */
export function parseAlloy(text: string): AlloyBlock[] {
  const tokens = tokensOf(text);
  let at = 0;
  const next = (): Token => {
    const token = tokens[at++];
    if (!token) throw new Error('The configuration ends too early.');
    return token;
  };
  const accept = (mark: string): boolean => {
    const found = tokens[at]?.kind === 'mark' && tokens[at]?.text === mark;
    if (found) at++;
    return found;
  };
  const expect = (mark: string): void => {
    if (!accept(mark)) throw new Error(`There is ${tokens[at]?.text ?? 'the end'} instead of ${mark}.`);
  };

  const list = <Item>(end: string, item: () => Item): Item[] => {
    const items: Item[] = [];
    while (!accept(end)) {
      items.push(item());
      if (accept(end)) break;
      expect(',');
    }
    return items;
  };
  const value = (): AlloyValue => {
    if (accept('[')) return list(']', value);
    if (accept('{')) return { map: Object.fromEntries(list('}', entry)) };
    const { kind, text } = next();
    if (kind === 'string') return text.startsWith('`') ? text.slice(1, -1) : (JSON.parse(text) as string);
    if (kind === 'number') return Number(text);
    if (kind === 'mark') throw new Error(`${text} is no value.`);
    return accept('(') ? { call: text, args: list(')', value) } : { reference: text };
  };
  const entry = (): [string, AlloyValue] => {
    const { text } = next();
    expect('=');
    return [text.replaceAll('"', ''), value()];
  };
  const body = (isEnd: () => boolean): Pick<AlloyBlock, 'attributes' | 'blocks'> => {
    const found: Pick<AlloyBlock, 'attributes' | 'blocks'> = { attributes: {}, blocks: [] };
    while (!isEnd()) {
      const { kind, text: name } = next();
      if (kind !== 'name') throw new Error(`${name} is no name of a block or attribute.`);
      if (accept('=')) {
        if (name in found.attributes) throw new Error(`${name} is set twice.`);
        found.attributes[name] = value();
        continue;
      }
      const label = tokens[at]?.kind === 'string' ? next().text.slice(1, -1) : null;
      expect('{');
      found.blocks.push({ name, label, ...body(() => accept('}')) });
    }
    return found;
  };
  return body(() => at === tokens.length).blocks;
}

function tokensOf(text: string): Token[] {
  const tokens: Token[] = [];
  TOKEN.lastIndex = 0;
  while (TOKEN.lastIndex < text.length) {
    const at = TOKEN.lastIndex;
    const match = TOKEN.exec(text);
    if (!match) throw new Error(`Not understood: ${text.slice(at, at + 20)}`);
    const [kind, found] = Object.entries(match.groups ?? {}).find(([, part]) => part !== undefined) ?? [];
    if (kind && found) tokens.push({ kind: kind as Token['kind'], text: found });
  }
  return tokens;
}
