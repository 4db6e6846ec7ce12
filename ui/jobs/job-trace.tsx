import { Checkbox, TextInput, UnstyledButton } from '@mantine/core';
import { IconFilter } from '@tabler/icons-react';
import { useEffect, useRef, useState } from 'react';
import type { JobTrace as TraceEvent } from '#ui/api/job-events.ts';
import { formatCount } from '#ui/patterns/format.ts';
import { CopyButton } from '#ui/patterns/middle-truncate.tsx';
import { Panel } from '#ui/patterns/panel.tsx';
import { exactTime } from '#ui/patterns/relative-time.tsx';
import classes from './job-trace.module.css';

const clock = new Intl.DateTimeFormat('sv-SE', {
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
  fractionalSecondDigits: 3,
});

const lineOf = ({ occurred_at, action, outcome, actor, summary }: TraceEvent): string =>
  [occurred_at, action, outcome, actor, summary].join('\t');

const matches = (event: TraceEvent, text: string): boolean =>
  text === '' ||
  [event.action, event.outcome, event.actor, event.summary].join(' ').toLowerCase().includes(text);

const hasDetails = (details: unknown): boolean =>
  details !== null &&
  details !== undefined &&
  (typeof details !== 'object' || Object.keys(details).length > 0);

/** The audit events of the job as they are written, with filter and copy; it follows the newest line until one scrolls up. */
export function JobTrace({
  trace,
  connected,
  live,
}: {
  trace: readonly TraceEvent[];
  connected: boolean;
  live: boolean;
}) {
  const [text, setText] = useState('');
  const [follow, setFollow] = useState(true);
  const lines = useRef<HTMLOListElement>(null);
  const shown = trace.filter((event) => matches(event, text.trim().toLowerCase()));
  useEffect(() => {
    if (follow && lines.current) lines.current.scrollTop = lines.current.scrollHeight;
  }, [follow, shown.length]);
  return (
    <Panel
      title={
        <>
          Trace <span className={classes.count}>{formatCount(shown.length)}</span>
          {live && connected && <span className={classes.live}>live</span>}
        </>
      }
      actions={
        <>
          <TextInput
            size="xs"
            className={classes.filter}
            placeholder="Filter"
            aria-label="Filter the trace"
            leftSection={<IconFilter size={13} />}
            value={text}
            onChange={(event) => setText(event.currentTarget.value)}
          />
          {live && (
            <Checkbox
              size="xs"
              label="Follow"
              checked={follow}
              onChange={(event) => setFollow(event.currentTarget.checked)}
            />
          )}
          <CopyButton text={shown.map(lineOf).join('\n')} label="Copy the lines shown" always />
        </>
      }
      flush
    >
      <ol
        className={classes.lines}
        ref={lines}
        // oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- what scrolls has to be reachable by keyboard
        tabIndex={0}
        aria-label="Trace"
        onWheel={(event) => event.deltaY < 0 && setFollow(false)}
      >
        {shown.map((event) => (
          <TraceLine key={event.sequence} event={event} />
        ))}
        {shown.length === 0 && (
          <li className={classes.empty}>
            {trace.length > 0
              ? 'No line matches the filter'
              : live
                ? 'Waiting for the first event'
                : 'No events were written'}
          </li>
        )}
      </ol>
    </Panel>
  );
}

function TraceLine({ event }: { event: TraceEvent }) {
  const [open, setOpen] = useState(false);
  const { occurred_at, action, outcome, summary, details } = event;
  return (
    <li className={classes.line} data-outcome={outcome}>
      <time dateTime={occurred_at} title={exactTime(occurred_at)}>
        {clock.format(new Date(occurred_at))}
      </time>
      <span className={classes.action}>{action}</span>
      <span className={classes.aside}>
        {outcome !== 'succeeded' && <span className={classes.outcome}>{outcome}</span>}
        {hasDetails(details) && (
          <UnstyledButton
            className={classes.toggle}
            aria-expanded={open}
            aria-label={open ? 'Hide the details' : 'Show the details'}
            onClick={() => setOpen(!open)}
          >
            {'{…}'}
          </UnstyledButton>
        )}
      </span>
      {summary !== '' && <span className={classes.summary}>{summary}</span>}
      {open && <pre className={classes.details}>{JSON.stringify(details, null, 2)}</pre>}
    </li>
  );
}
