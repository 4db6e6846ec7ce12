/**
 * Audit events as a compact table; a row opens to what changed and to everything that is known of the request. Used by the audit log,
 * by the activity of a tenant, user or role, and by the trace of a job.
 */
import { Tooltip, UnstyledButton } from '@mantine/core';
import { IconChevronRight, IconRobot, IconTerminal2 } from '@tabler/icons-react';
import { Link } from '@tanstack/react-router';
import { Fragment, useId, useState } from 'react';
import type { AuditEvent } from '#contract/audit.ts';
import { formatValue } from '#ui/patterns/format.ts';
import { CopyButton, MiddleTruncate, Mono } from '#ui/patterns/middle-truncate.tsx';
import { exactTime, RelativeTime } from '#ui/patterns/relative-time.tsx';
import { StatusPill } from '#ui/patterns/status-pill.tsx';
import { eventWords } from './action-words.ts';
import classes from './audit-table.module.css';
import { TargetLink } from './target-link.tsx';

export type AuditColumn = 'target' | 'environment' | 'reason' | 'actor';

const COLUMN_COUNT = 8;
/** An object or list of a diff that is longer is set on several lines. */
const LINE_LENGTH = 72;
const SKELETON_WIDTHS = [40, 62, 74, 52, 66, 36, 58] as const;

export function AuditTable({
  events,
  label = 'Audit events',
  hide = [],
  skeleton,
  dimmed = false,
  empty,
  plain = false,
}: {
  events: readonly AuditEvent[];
  label?: string;
  /** Columns that would say the same in every row. */
  hide?: readonly AuditColumn[];
  /** Rows of skeleton in place of events. */
  skeleton?: number | undefined;
  dimmed?: boolean;
  /** Stands in the body when there are no events. */
  empty?: React.ReactNode;
  /** Without a frame of its own, inside a panel. */
  plain?: boolean;
}) {
  const shows = (column: AuditColumn) => !hide.includes(column);
  const columns = COLUMN_COUNT - hide.length;
  return (
    <div className={classes.scroll} data-plain={plain || undefined} tabIndex={-1}>
      <table
        className={classes.table}
        aria-label={label}
        aria-busy={skeleton !== undefined}
        data-dimmed={dimmed || undefined}
      >
        <thead>
          <tr>
            <th scope="col" className={classes.toggle}>
              <span className={classes.hidden}>Details</span>
            </th>
            <th scope="col">Time</th>
            {shows('actor') && <th scope="col">Actor</th>}
            <th scope="col">Action</th>
            <th scope="col">Outcome</th>
            {shows('target') && <th scope="col">Target</th>}
            {shows('environment') && <th scope="col">Environment</th>}
            {shows('reason') && <th scope="col">Reason</th>}
          </tr>
        </thead>
        <tbody>
          {skeleton !== undefined
            ? Array.from({ length: skeleton }, (_, row) => (
                <tr key={row} aria-hidden>
                  {Array.from({ length: columns }, (__, column) => (
                    <td key={column}>
                      {column > 0 && (
                        <span
                          className={classes.bone}
                          style={{ width: `${SKELETON_WIDTHS[(row + column) % SKELETON_WIDTHS.length]}%` }}
                        />
                      )}
                    </td>
                  ))}
                </tr>
              ))
            : events.map((event) => (
                <EventRows key={event.sequence} event={event} columns={columns} shows={shows} />
              ))}
          {skeleton === undefined && events.length === 0 && empty && (
            <tr className={classes.empty}>
              <td colSpan={columns}>{empty}</td>
            </tr>
          )}
        </tbody>
      </table>
    </div>
  );
}

function EventRows({
  event,
  columns,
  shows,
}: {
  event: AuditEvent;
  columns: number;
  shows: (column: AuditColumn) => boolean;
}) {
  const [open, setOpen] = useState(false);
  const id = useId();
  const words = eventWords(event);
  return (
    <Fragment>
      <tr
        className={classes.event}
        data-open={open || undefined}
        onClick={(click) => {
          if ((click.target as HTMLElement).closest('a, button')) return;
          if (getSelection()?.isCollapsed === false) return;
          setOpen(!open);
        }}
      >
        <td className={classes.toggle}>
          <UnstyledButton
            className={classes.chevron}
            aria-expanded={open}
            aria-controls={open ? id : undefined}
            aria-label={`Details of event ${event.sequence}: ${words}`}
            onClick={() => setOpen(!open)}
          >
            <IconChevronRight size={14} aria-hidden />
          </UnstyledButton>
        </td>
        <td>
          <RelativeTime iso={event.occurred_at} />
        </td>
        {shows('actor') && (
          <td className={classes.who}>
            <Actor event={event} />
          </td>
        )}
        <td>
          <span className={classes.action} title={event.action}>
            {words}
            <span className={classes.code}>{event.action}</span>
          </span>
        </td>
        <td>
          <StatusPill of="outcome" status={event.outcome} />
          {event.repeat_count > 1 && (
            <Tooltip label={`${event.repeat_count} times within a minute`}>
              <span className={classes.repeats}>×{event.repeat_count}</span>
            </Tooltip>
          )}
        </td>
        {shows('target') && (
          <td className={classes.target}>
            <TargetLink type={event.target_type} id={event.target_id} />
          </td>
        )}
        {shows('environment') && <td className={classes.quiet}>{event.environment}</td>}
        {shows('reason') && (
          <td className={classes.reason} title={event.reason ?? undefined}>
            {event.reason}
          </td>
        )}
      </tr>
      {open && (
        <tr id={id} className={classes.details}>
          <td colSpan={columns}>
            <EventDetails event={event} />
          </td>
        </tr>
      )}
    </Fragment>
  );
}

/** Who did it; an icon tells what is no person. */
export function Actor({ event }: { event: Pick<AuditEvent, 'actor_type' | 'actor_label' | 'on_behalf_of'> }) {
  const { actor_type, actor_label, on_behalf_of } = event;
  return (
    <span className={classes.actor}>
      {actor_type === 'system' && <IconRobot size={14} aria-label="System" />}
      {actor_type === 'api_token' && <IconTerminal2 size={14} aria-label="API token" />}
      <span className={classes.label}>{actor_label}</span>
      {actor_type === 'anonymous' && <span className={classes.quiet}>not signed in</span>}
      {on_behalf_of && (
        <span className={classes.quiet}>
          {actor_type === 'system' ? 'for' : 'as'} {on_behalf_of}
        </span>
      )}
    </span>
  );
}

function EventDetails({ event }: { event: AuditEvent }) {
  const { changes, details } = event;
  return (
    <div className={classes.columns}>
      <div className={classes.changes}>
        <h3 className={classes.heading}>What changed</h3>
        {changes.length > 0 ? (
          <dl className={classes.diff}>
            {changes.map(({ path, before, after }) => (
              <Fragment key={path}>
                <dt>
                  <Mono>{path.replace(/^\//, '').replaceAll('/', '.')}</Mono>
                </dt>
                <dd>
                  {!isAbsent(before) && <Value label="Before" value={before} old />}
                  {(!isAbsent(after) || isAbsent(before)) && <Value label="After" value={after} />}
                  {isAbsent(after) && !isAbsent(before) && <Value label="After" value="(removed)" />}
                </dd>
              </Fragment>
            ))}
          </dl>
        ) : (
          <p className={classes.quiet}>
            {event.outcome === 'succeeded'
              ? 'This event records no change of state.'
              : 'Nothing: it was not carried out.'}
          </p>
        )}
        {hasDetails(details) && (
          <>
            <h3 className={classes.heading}>Details</h3>
            <pre className={classes.json}>{JSON.stringify(details, null, 2)}</pre>
          </>
        )}
        {event.reason && (
          <>
            <h3 className={classes.heading}>Reason</h3>
            <p className={classes.whole}>{event.reason}</p>
          </>
        )}
      </div>
      <div>
        <h3 className={classes.heading}>Request</h3>
        <dl className={classes.facts}>
          <Fact name="Time" text={event.occurred_at} show={exactTime(event.occurred_at)} />
          <Fact name="Event" text={String(event.sequence)} />
          <Fact name="Action" text={event.action} mono />
          <Fact name="Actor id" text={event.actor_id} />
          <Fact name="Target id" text={event.target_id} />
          <Fact name="Tenant" text={event.tenant_id} />
          <Fact name="Address" text={event.ip} />
          <Fact name="User agent" text={event.user_agent} />
          <Fact name="Request id" text={event.request_id} mono />
          <Fact name="Trace id" text={event.trace_id} mono />
          {event.job_id && (
            <>
              <dt>Job</dt>
              <dd>
                <Link to="/jobs/$job_id" params={{ job_id: event.job_id }} className={classes.link}>
                  <MiddleTruncate text={event.job_id} copy={false} />
                </Link>
                <CopyButton text={event.job_id} label="Copy job id" always />
              </dd>
            </>
          )}
        </dl>
        <CopyEvent event={event} />
      </div>
    </div>
  );
}

const isAbsent = (value: unknown): boolean => value === null || value === undefined;

const hasDetails = (details: unknown): boolean =>
  details !== null &&
  details !== undefined &&
  !(typeof details === 'object' && Object.keys(details).length === 0);

function Value({ label, value, old = false }: { label: string; value: unknown; old?: boolean }) {
  const line = value === '' ? '""' : formatValue(value);
  const text = typeof value === 'object' && line.length > LINE_LENGTH ? JSON.stringify(value, null, 2) : line;
  return (
    <span className={classes.value} data-old={old || undefined}>
      <span className={classes.sign} role="img" aria-label={label}>
        {old ? '−' : '+'}
      </span>
      <span className={classes.text}>{text}</span>
    </span>
  );
}

function Fact({
  name,
  text,
  show,
  mono = false,
}: {
  name: string;
  text: string | null;
  show?: string;
  mono?: boolean;
}) {
  if (text === null) return null;
  return (
    <>
      <dt>{name}</dt>
      <dd>
        <span className={mono ? classes.mono : undefined}>{show ?? text}</span>
        <CopyButton text={text} label={`Copy ${name.toLowerCase()}`} always />
      </dd>
    </>
  );
}

function CopyEvent({ event }: { event: AuditEvent }) {
  return (
    <p className={classes.whole}>
      <span className={classes.quiet}>The whole event as JSON</span>{' '}
      <CopyButton text={JSON.stringify(event, null, 2)} label="Copy the event as JSON" always />
    </p>
  );
}
