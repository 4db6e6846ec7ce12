/** All that is known of one detection, what stands around it, and what can be done. */
import { Link } from '@tanstack/react-router';
import type { QueryOf } from '#contract/endpoint.ts';
import { getDetection, type Detection } from '#contract/iam/detections.ts';
import { listSessions, type Session } from '#contract/iam.ts';
import { mayAnywhere, useEndpoint, useMe } from '#ui/api/queries.ts';
import { Activity } from '#ui/audit/activity.tsx';
import type { Action } from '#ui/patterns/action-menu.tsx';
import { formatCount, formatDuration } from '#ui/patterns/format.ts';
import { GuardedButton } from '#ui/patterns/guarded-button.tsx';
import { MiddleTruncate } from '#ui/patterns/middle-truncate.tsx';
import { Panel, Properties, Property } from '#ui/patterns/panel.tsx';
import { ProblemAlert } from '#ui/patterns/problem-alert.tsx';
import { exactTime, RelativeTime } from '#ui/patterns/relative-time.tsx';
import { StatusPill } from '#ui/patterns/status-pill.tsx';
import classes from './detection-drawer.module.css';
import { DETECTION_NAMES } from './detection-words.ts';
import { deviceName } from './device-name.ts';
import { SideDrawer } from './form-drawer.tsx';

const DETAIL_NAMES: Record<string, string> = {
  accounts: 'Accounts named',
  addresses: 'Addresses',
  opened_from: 'Opened from',
  network: 'Network',
};

export function DetectionDrawer({
  detection: opened,
  settleFor,
  helpFor,
  onClose,
}: {
  /** As the list has it. */
  detection: Detection;
  settleFor: (detection: Detection) => readonly Action[];
  helpFor: (detection: Detection) => readonly Action[];
  onClose: () => void;
}) {
  const { detection_id } = opened;
  const { data, error, refetch } = useEndpoint(
    getDetection,
    { params: { detection_id } },
    { refetchInterval: 10_000 },
  );
  const detection = data ?? opened;
  const { kind, summary, state, user_id, user_email, ip } = detection;
  const help = helpFor(detection);
  return (
    <SideDrawer title={DETECTION_NAMES[kind]} onClose={onClose} wide>
      <div className={classes.body}>
        {error && <ProblemAlert error={error} tone="attention" onRetry={() => void refetch()} />}
        <div className={classes.head}>
          <StatusPill of="detection" status={state} soft />
          <p className={classes.summary}>{summary}</p>
        </div>
        <Panel title="Figures">
          <Figures detection={detection} />
        </Panel>
        <Panel title="Who and where">
          <Properties>
            <Property name="User">
              {user_id === null ? (
                'no single user'
              ) : (
                <Link to="/users/$user_id" params={{ user_id }} className={classes.way}>
                  {user_email}
                </Link>
              )}
            </Property>
            <Property name="Address">
              {ip === null ? 'not known' : <MiddleTruncate text={ip} keep={20} label="Copy address" />}
            </Property>
            {Object.entries(detection.details).map(([name, text]) => (
              <Property key={name} name={DETAIL_NAMES[name] ?? name.replaceAll('_', ' ')}>
                {text}
              </Property>
            ))}
          </Properties>
        </Panel>
        {help.length > 0 && (
          <Panel title="What helps">
            <div className={classes.help}>
              <ActionButtons actions={help} />
            </div>
          </Panel>
        )}
        <RelatedSessions user_id={user_id} ip={ip} />
        <Activity
          title="What was done about it"
          query={{ target_type: 'detection', target_id: detection_id }}
          search={{ target_type: 'detection', target_id: detection_id }}
          hide={['target', 'environment']}
          empty="Nothing yet"
        />
      </div>
      <footer className={classes.footer}>
        <ActionButtons actions={settleFor(detection)} />
      </footer>
    </SideDrawer>
  );
}

const ActionButtons = ({ actions }: { actions: readonly Action[] }) =>
  actions.map(({ label, disabled, danger, onSelect }) => (
    <GuardedButton
      key={label}
      variant={label === 'Resolve…' ? 'filled' : 'default'}
      {...(danger && { color: 'red', variant: 'light' })}
      against={disabled ?? null}
      onClick={onSelect}
    >
      {label}
    </GuardedButton>
  ));

function Figures({ detection }: { detection: Detection }) {
  const { measured, threshold, window_s, count, first_seen_at, last_seen_at } = detection;
  const { acknowledged_at, acknowledged_by, resolved_at, resolved_by, reason } = detection;
  return (
    <Properties className={classes.figures}>
      <Property name="Measured">
        {formatCount(measured)}
        {window_s !== null && ` in ${formatDuration(window_s)}`}, threshold {formatCount(threshold)}
      </Property>
      <Property name="Seen">{formatCount(count)} ×</Property>
      <Property name="First seen">{exactTime(first_seen_at)}</Property>
      <Property name="Last seen">
        <RelativeTime iso={last_seen_at} />
      </Property>
      {acknowledged_at !== null && (
        <Property name="Acknowledged">
          {exactTime(acknowledged_at)} by {acknowledged_by}
        </Property>
      )}
      {resolved_at !== null && (
        <Property name="Resolved">
          {exactTime(resolved_at)} by {resolved_by}
        </Property>
      )}
      {reason !== null && <Property name="Reason">{reason}</Property>}
    </Properties>
  );
}

const MOST_RELATED = 8;

/** The last sessions of the user, or from the address where there is no user. */
function RelatedSessions({ user_id, ip }: { user_id: string | null; ip: string | null }) {
  const allowed = mayAnywhere(useMe().data, 'iam.sessions.list');
  const narrowed: QueryOf<typeof listSessions> | null =
    user_id !== null ? { user_id } : ip !== null ? { ip } : null;
  const { data, error, refetch } = useEndpoint(
    listSessions,
    { query: { ...narrowed, limit: MOST_RELATED, sort: '-last_seen_at' } },
    { enabled: allowed.allowed && narrowed !== null, refetchInterval: 15_000 },
  );
  if (narrowed === null) return null;
  return (
    <Panel title={user_id === null ? 'Sessions from this address' : 'Last sessions of the user'}>
      {!allowed.allowed ? (
        <p className={classes.none}>{allowed.reason}</p>
      ) : error ? (
        <ProblemAlert error={error} onRetry={() => void refetch()} />
      ) : data?.items.length === 0 ? (
        <p className={classes.none}>None</p>
      ) : (
        <ul className={classes.sessions}>
          {data?.items.map((session) => (
            <RelatedSession key={session.session_id} session={session} />
          ))}
        </ul>
      )}
    </Panel>
  );
}

const RelatedSession = ({
  session: { state, user_agent, ip, user_email, last_seen_at },
}: {
  session: Session;
}) => (
  <li>
    <StatusPill of="session" status={state} />
    <span>{deviceName(user_agent)}</span>
    <span className={classes.ip}>{ip}</span>
    <span className={classes.email}>{user_email}</span>
    <RelativeTime iso={last_seen_at} />
  </li>
);
