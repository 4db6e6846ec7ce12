/** Where each thing of the topology stands: four columns, groups one under the other, collapsed ones as one card. Pure. */
import { statusLook, type Tone } from '#ui/patterns/status-table.ts';
import { byName, COLUMNS, tieIsOn, type Thing, type ThingType, type Tie } from './topology-rules.ts';

export const CARD = { width: 176, height: 44 } as const;
const GAP = 6;
const GROUP_GAP = 14;
const COLUMN_GAP = 48;
const HEAD_HEIGHT = 36;

/** A column of more things than that shows its groups. */
const GROUPED_FROM = 13;
/** A column of more things than that starts with its groups collapsed. */
const COLLAPSED_FROM = 25;

/** So many things on the path are shown even when their group is collapsed. */
const SHOWN_OF_COLLAPSED = 6;

export interface Group {
  key: string;
  type: ThingType;
  name: string;
  things: readonly Thing[];
  collapsed: boolean;
}
export type Card =
  | { kind: 'head'; key: string; type: ThingType; count: number; x: number; y: number }
  | { kind: 'thing'; key: string; thing: Thing; x: number; y: number }
  | { kind: 'group'; key: string; group: Group; onPath: number; x: number; y: number };
export interface Line {
  key: string;
  from: string;
  to: string;
  onPath: boolean;
}
export interface Layout {
  cards: Card[];
  lines: Line[];
  width: number;
  height: number;
}

const groupKey = (type: ThingType, name: string): string => `group ${type} ${name}`;

export interface LayoutChoice {
  /** Groups that the person opened (true) or closed (false); the others are as the size of their column says. */
  open: ReadonlyMap<string, boolean>;
  /** What is highlighted; null when nothing is selected. */
  path: ReadonlySet<string> | null;
  /** Leaves out what is not on the path. */
  onlyPath: boolean;
}

export function layoutOf(things: readonly Thing[], ties: readonly Tie[], choice: LayoutChoice): Layout {
  const { open, path, onlyPath } = choice;
  const shown = onlyPath && path ? things.filter(({ key }) => path.has(key)) : things;
  const cards: Card[] = [];
  /** Which card stands for a thing: its own, or that of its collapsed group. */
  const standsFor = new Map<string, string>();
  let height = 0;

  for (const [index, type] of COLUMNS.entries()) {
    const listed = shown.filter((thing) => thing.type === type);
    const x = index * (CARD.width + COLUMN_GAP);
    cards.push({ kind: 'head', key: `head ${type}`, type, count: listed.length, x, y: 0 });
    let y = HEAD_HEIGHT;
    const grouped = listed.length >= GROUPED_FROM;
    // Regions part hosts only where they are shown.
    const own = grouped || type !== 'host' ? listed : listed.toSorted((a, b) => byName(a.name, b.name));
    for (const [name, members] of Map.groupBy(own, ({ group }) => group)) {
      const key = groupKey(type, name);
      const few = path ? members.filter((one) => path.has(one.key)) : [];
      const collapsed = grouped && !(open.get(key) ?? own.length < COLLAPSED_FROM);
      if (grouped) {
        cards.push({
          kind: 'group',
          key,
          group: { key, type, name, things: members, collapsed },
          onPath: few.length,
          x,
          y,
        });
        y += CARD.height + GAP;
      }
      for (const thing of members) {
        const hidden = collapsed && (few.length > SHOWN_OF_COLLAPSED || !few.includes(thing));
        standsFor.set(thing.key, hidden ? key : thing.key);
        if (hidden) continue;
        cards.push({ kind: 'thing', key: thing.key, thing, x, y });
        y += CARD.height + GAP;
      }
      if (grouped) y += GROUP_GAP - GAP;
    }
    height = Math.max(height, y);
  }

  const lines = new Map<string, Line>();
  for (const tie of ties) {
    const from = standsFor.get(tie.from);
    const to = standsFor.get(tie.to);
    if (from === undefined || to === undefined) continue;
    const key = `${from} → ${to}`;
    const onPath = path !== null && tieIsOn(path, tie);
    const known = lines.get(key);
    if (known) known.onPath ||= onPath;
    else lines.set(key, { key, from, to, onPath });
  }
  return {
    cards,
    lines: [...lines.values()],
    width: COLUMNS.length * CARD.width + (COLUMNS.length - 1) * COLUMN_GAP,
    height,
  };
}

const WORST: readonly Tone[] = ['failing', 'attention', 'progress'];

/** The states of a group's things that need a look, the worst first: "1 unreachable, 2 draining"; empty when all are well. */
export function troubleOf(things: readonly Thing[]): { word: string; tone: Tone; count: number }[] {
  const counts = new Map<string, { word: string; tone: Tone; count: number }>();
  for (const { status } of things) {
    if (!status) continue;
    const { word, tone } = statusLook(status.of, status.value);
    if (tone === 'well') continue;
    const known = counts.get(word);
    if (known) known.count += 1;
    else counts.set(word, { word, tone, count: 1 });
  }
  const rank = (tone: Tone) => (WORST.includes(tone) ? WORST.indexOf(tone) : WORST.length);
  return [...counts.values()].toSorted((a, b) => rank(a.tone) - rank(b.tone) || b.count - a.count);
}
