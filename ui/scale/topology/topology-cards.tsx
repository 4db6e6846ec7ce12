/** The cards of the graph: a column's head, a thing, a group of things. Real links and buttons, so that they work by keyboard. */
import { IconChevronDown, IconChevronRight, IconCircleFilled } from '@tabler/icons-react';
import { Link } from '@tanstack/react-router';
import { Handle, Position, type Node, type NodeProps } from '@xyflow/react';
import { createContext, use } from 'react';
import { formatCount, formatRatio } from '#ui/patterns/format.ts';
import { LoadBar } from '#ui/patterns/load-bar.tsx';
import { statusLook } from '#ui/patterns/status-table.ts';
import { troubleOf, type Card, type Group } from './topology-layout.ts';
import type { Thing, ThingType } from './topology-rules.ts';
import classes from './topology.module.css';

export interface GraphState {
  selected: string | null;
  path: ReadonlySet<string> | null;
  select: (key: string | null) => void;
  toggle: (group: Group) => void;
  /** Brings a card into view that was reached by keyboard. */
  reveal: (key: string) => void;
}
export const GraphContext = createContext<GraphState>({
  selected: null,
  path: null,
  select: () => undefined,
  toggle: () => undefined,
  reveal: () => undefined,
});

export type CardNode = Node<{ card: Card }>;

const HEADS = {
  host: { word: 'Hosts', to: '/scale/hosts' },
  service: { word: 'Services', to: '/scale/services' },
  node: { word: 'Nodes', to: '/scale/nodes' },
  shard: { word: 'Shards', to: '/scale/shards' },
} as const satisfies Record<ThingType, { word: string; to: string }>;

function CardView({ data: { card } }: NodeProps<CardNode>) {
  if (card.kind === 'head') {
    const { word, to } = HEADS[card.type];
    return (
      <Link to={to} className={classes.head} title={`${word} as a table`}>
        {word} <span>{formatCount(card.count)}</span>
      </Link>
    );
  }
  return (
    <>
      <Handle type="target" position={Position.Left} className={classes.handle} isConnectable={false} />
      {card.kind === 'thing' ? (
        <ThingCard thing={card.thing} />
      ) : (
        <GroupCard group={card.group} onPath={card.onPath} />
      )}
      <Handle type="source" position={Position.Right} className={classes.handle} isConnectable={false} />
    </>
  );
}
export const CARD_TYPES = { card: CardView };

function ThingCard({ thing }: { thing: Thing }) {
  const { selected, path, select, reveal } = use(GraphContext);
  const look = thing.status && statusLook(thing.status.of, thing.status.value);
  const isSelected = selected === thing.key;
  return (
    <button
      type="button"
      className={`${classes.card} nopan`}
      data-card={thing.key}
      data-tone={look?.tone}
      data-off={(path !== null && !path.has(thing.key)) || undefined}
      aria-pressed={isSelected}
      onClick={() => select(isSelected ? null : thing.key)}
      onFocus={(event) => {
        if (event.currentTarget.matches(':focus-visible')) reveal(thing.key);
      }}
    >
      <span className={classes.name}>{thing.name}</span>
      <span className={classes.line}>
        {look && (
          <span className={classes.status}>
            <look.icon
              size={12}
              className={look.icon === IconCircleFilled ? classes.dot : undefined}
              aria-hidden
            />
            {look.word}
          </span>
        )}
        {thing.ratio !== null && (
          <span className={classes.meter}>
            <LoadBar ratio={thing.ratio} label="Tenants" />
          </span>
        )}
        {thing.detail !== null && <span className={classes.detail}>{thing.detail}</span>}
      </span>
    </button>
  );
}

function GroupCard({ group, onPath }: { group: Group; onPath: number }) {
  const { path, toggle, reveal } = use(GraphContext);
  const trouble = troubleOf(group.things);
  const Chevron = group.collapsed ? IconChevronRight : IconChevronDown;
  return (
    <button
      type="button"
      className={`${classes.card} nopan`}
      data-card={group.key}
      data-group
      data-tone={trouble[0]?.tone}
      data-off={(path !== null && onPath === 0) || undefined}
      aria-expanded={!group.collapsed}
      onClick={() => toggle(group)}
      onFocus={(event) => {
        if (event.currentTarget.matches(':focus-visible')) reveal(group.key);
      }}
    >
      <span className={classes.name}>
        <Chevron size={13} aria-hidden /> {group.name}
      </span>
      <span className={classes.line}>
        <span>
          {path !== null && onPath > 0
            ? `${formatCount(onPath)} of ${formatCount(group.things.length)}`
            : formatCount(group.things.length)}
        </span>
        {trouble.slice(0, 2).map(({ word, tone, count }) => (
          <span key={word} className={classes.status} data-tone={tone}>
            {count} {word}
          </span>
        ))}
        {trouble.length === 0 && group.type !== 'shard' && <span className={classes.detail}>all well</span>}
        {group.type === 'shard' && (
          <span className={classes.detail}>
            fullest {formatRatio(Math.max(...group.things.map(({ ratio }) => ratio ?? 0)))}
          </span>
        )}
      </span>
    </button>
  );
}
