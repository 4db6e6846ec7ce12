/**
 * How the lines of charts are told apart without colour, which means state everywhere else: by their dashes and two tones. A name has
 * the same look in every chart of a page.
 */
export interface LineLook {
  color: string;
  dashes: string;
}

const LOOKS: readonly LineLook[] = [
  { color: 'var(--accent)', dashes: '0' },
  { color: 'var(--text-muted)', dashes: '0' },
  { color: 'var(--accent)', dashes: '6 3' },
  { color: 'var(--text-muted)', dashes: '6 3' },
  { color: 'var(--accent)', dashes: '1.5 3' },
  { color: 'var(--text-muted)', dashes: '1.5 3' },
];
/** Lines beyond those that can be told apart are ground; their names and figures stand in the table. */
const GROUND: LineLook = { color: 'var(--line-strong)', dashes: '0' };

/** The look of each name. */
export function looksOf(names: Iterable<string>): (name: string) => LineLook {
  const order = [...new Set(names)].toSorted((a, b) => a.localeCompare(b));
  return (name) => LOOKS[order.indexOf(name)] ?? GROUND;
}
