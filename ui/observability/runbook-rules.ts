/** The little Markdown that runbooks are written in: headings, paragraphs, flat lists, strong, emphasis, code. Pure. */

export type Block = { kind: 'heading' | 'text'; text: string } | { kind: 'list'; items: string[] };

/** The blocks of a runbook, without its title, which the page shows already. */
export function runbookBlocks(markdown: string): Block[] {
  const blocks: Block[] = [];
  let open = false;
  for (const line of markdown.split('\n')) {
    const last = blocks.at(-1);
    const text = line.trim();
    const heading = /^#+ (.*)$/.exec(text);
    const item = /^(?:[-*]|\d+\.) (.*)$/.exec(text);
    if (text === '') open = false;
    else if (heading) {
      if (!text.startsWith('# ')) blocks.push({ kind: 'heading', text: heading[1] as string });
      open = false;
    } else if (item) {
      if (last?.kind === 'list') last.items.push(item[1] as string);
      else blocks.push({ kind: 'list', items: [item[1] as string] });
      open = true;
    } else if (open && last?.kind === 'list') last.items.push(`${last.items.pop()} ${text}`);
    else if (open && last?.kind === 'text') last.text += ` ${text}`;
    else {
      blocks.push({ kind: 'text', text });
      open = true;
    }
  }
  return blocks;
}

const MARKS = { '**': 'strong', _: 'em', '`': 'code' } as const;

export interface InlinePart {
  mark: 'strong' | 'em' | 'code' | null;
  words: string;
}

/** The parts of a line, each with how it is marked. A link names another runbook: its name is what one looks for. */
export const inlineParts = (text: string): InlinePart[] =>
  text
    .replaceAll(/\[([^\]]+)\]\([^)]+\.md\)/g, '**$1**')
    .split(/(\*\*[^*]+\*\*|`[^`]+`|(?<!\w)_[^_]+_(?!\w))/)
    .filter((part) => part !== '')
    .map((part) => {
      const sign = (['**', '`', '_'] as const).find(
        (one) => part.length > 2 * one.length && part.startsWith(one) && part.endsWith(one),
      );
      return sign
        ? { mark: MARKS[sign], words: part.slice(sign.length, -sign.length) }
        : { mark: null, words: part };
    });
