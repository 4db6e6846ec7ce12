/** The drawn graph: cards in four columns, lines between them; panned by scrolling and dragging, walked by arrow keys. */
import '@xyflow/react/dist/base.css';
import { Background, Controls, ReactFlow, type Edge, type ReactFlowInstance } from '@xyflow/react';
import { useCallback, useEffect, useMemo, useRef, useState } from 'react';
import { CARD_TYPES, GraphContext, type CardNode } from './topology-cards.tsx';
import { CARD, type Card, type Group, type Layout } from './topology-layout.ts';
import classes from './topology.module.css';

const LEAST_ZOOM = 0.4;
const FIRST_ZOOM = { least: 0.7, most: 1 };
const MARGIN = 16;
const MOVE_MS = 120;

const moveMs = (): number => (matchMedia('(prefers-reduced-motion: reduce)').matches ? 0 : MOVE_MS);

export function TopologyGraph({
  label,
  layout,
  selected,
  path,
  onSelect,
  onToggle,
}: {
  label: string;
  layout: Layout;
  selected: string | null;
  path: ReadonlySet<string> | null;
  onSelect: (key: string | null) => void;
  onToggle: (group: Group) => void;
}) {
  const frame = useRef<HTMLDivElement>(null);
  const [flow, setFlow] = useState<ReactFlowInstance<CardNode> | null>(null);
  const { cards, lines, width, height } = layout;
  const nodes = useMemo(
    () =>
      cards.map((card): CardNode => ({
        id: card.key,
        type: 'card',
        position: { x: card.x, y: card.y },
        width: CARD.width,
        height: card.kind === 'head' ? 24 : CARD.height,
        data: { card },
      })),
    [cards],
  );
  const edges = useMemo(
    () =>
      lines.map((line): Edge => ({
        id: line.key,
        source: line.from,
        target: line.to,
        ...(path && { className: (line.onPath ? classes.onPath : classes.offPath) ?? '' }),
        zIndex: line.onPath ? 1 : 0,
        // What hangs together is said beside the graph, and in the tables.
        domAttributes: { 'aria-hidden': true },
      })),
    [lines, path],
  );

  const reveal = useCallback(
    (key: string) => {
      const card = cards.find((one) => one.key === key);
      if (!flow || !card || isInView(flow, frame.current, card)) return;
      const { zoom } = flow.getViewport();
      void flow.setCenter(card.x + CARD.width / 2, card.y + CARD.height / 2, { zoom, duration: moveMs() });
    },
    [cards, flow],
  );
  // What is selected by the search or by an address may stand anywhere.
  useEffect(() => {
    if (selected !== null) reveal(selected);
  }, [selected, reveal]);

  const state = useMemo(
    () => ({ selected, path, select: onSelect, toggle: onToggle, reveal }),
    [selected, path, onSelect, onToggle, reveal],
  );
  return (
    // oxlint-disable-next-line jsx-a11y/no-noninteractive-element-interactions -- its cards are buttons; arrow keys go between them
    <div
      ref={frame}
      className={classes.graph}
      role="group"
      aria-label={label}
      onKeyDown={(event) => walk(event, cards, frame.current)}
    >
      <GraphContext value={state}>
        <ReactFlow<CardNode>
          nodes={nodes}
          edges={edges}
          nodeTypes={CARD_TYPES}
          onInit={(instance) => {
            const room = frame.current?.clientWidth ?? width;
            const fit = (room - 2 * MARGIN) / width;
            const zoom = Math.min(FIRST_ZOOM.most, Math.max(FIRST_ZOOM.least, fit));
            void instance.setViewport({ x: Math.max(MARGIN, (room - width * zoom) / 2), y: MARGIN, zoom });
            setFlow(instance);
          }}
          onPaneClick={() => onSelect(null)}
          translateExtent={[
            [-CARD.width, -CARD.height],
            [width + CARD.width, height + 8 * CARD.height],
          ]}
          minZoom={LEAST_ZOOM}
          maxZoom={1.5}
          panOnScroll
          zoomOnScroll={false}
          zoomOnDoubleClick={false}
          nodesDraggable={false}
          nodesConnectable={false}
          nodesFocusable={false}
          edgesFocusable={false}
          elementsSelectable={false}
          disableKeyboardA11y
          deleteKeyCode={null}
          selectionKeyCode={null}
        >
          <Background gap={24} size={1} />
          <Controls showInteractive={false} position="bottom-left" />
        </ReactFlow>
      </GraphContext>
    </div>
  );
}

function isInView(flow: ReactFlowInstance<CardNode>, frame: HTMLElement | null, card: Card): boolean {
  const { x, y, zoom } = flow.getViewport();
  const left = card.x * zoom + x;
  const top = card.y * zoom + y;
  return (
    left >= 0 &&
    top >= 0 &&
    left + CARD.width * zoom <= (frame?.clientWidth ?? 0) &&
    top + CARD.height * zoom <= (frame?.clientHeight ?? 0)
  );
}

const STEP: Record<string, readonly [column: number, row: number]> = {
  ArrowUp: [0, -1],
  ArrowDown: [0, 1],
  ArrowLeft: [-1, 0],
  ArrowRight: [1, 0],
};

/** Arrow keys go to the next card of the column, or to the nearest one of the column beside it. */
function walk(event: React.KeyboardEvent, cards: readonly Card[], frame: HTMLElement | null): void {
  const step = STEP[event.key];
  const here = (event.target as HTMLElement).dataset['card'];
  const at = cards.find(({ key }) => key === here);
  if (!step || !at || at.kind === 'head') return;
  event.preventDefault();
  const walkable = cards.filter(({ kind }) => kind !== 'head');
  const [columns, rows] = step;
  const inColumn = (x: number) => walkable.filter((card) => card.x === x);
  let next: Card | undefined;
  if (rows !== 0) {
    const column = inColumn(at.x);
    next = column[column.indexOf(at) + rows];
  } else {
    const xs = [...new Set(walkable.map(({ x }) => x))].toSorted((a, b) => a - b);
    const x = xs[xs.indexOf(at.x) + columns];
    if (x !== undefined)
      next = inColumn(x).toSorted((a, b) => Math.abs(a.y - at.y) - Math.abs(b.y - at.y))[0];
  }
  if (next)
    frame
      ?.querySelector<HTMLElement>(`[data-card="${CSS.escape(next.key)}"]`)
      ?.focus({ preventScroll: true });
}
