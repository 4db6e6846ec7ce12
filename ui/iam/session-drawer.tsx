/** All that is known of one session, and where it leads. */
import { Link, type LinkProps } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import type { Session } from '#contract/iam.ts';
import { Activity } from '#ui/audit/activity.tsx';
import type { Action } from '#ui/patterns/action-menu.tsx';
import { GuardedButton } from '#ui/patterns/guarded-button.tsx';
import { MiddleTruncate } from '#ui/patterns/middle-truncate.tsx';
import { Panel, Properties, Property } from '#ui/patterns/panel.tsx';
import { exactTime, RelativeTime } from '#ui/patterns/relative-time.tsx';
import { StatusPill } from '#ui/patterns/status-pill.tsx';
import { Unknown } from '#ui/patterns/figure.tsx';
import { SideDrawer } from './form-drawer.tsx';
import classes from './session-drawer.module.css';
import { ClientTag, ThisSession } from './session-marks.tsx';
import { deviceOf, ownerName, SOURCE_NAMES } from './session-words.ts';

export function SessionDrawer({
  session,
  actions,
  onClose,
}: {
  session: Session;
  actions: readonly Action[];
  onClose: () => void;
}) {
  const { state, ended_reason, ended_at, expires_at, created_at, last_seen_at, authenticated_at } = session;
  const { source, ip, network, user_agent, methods, observed_at } = session;
  return (
    <SideDrawer title={`Session of ${ownerName(session)}`} onClose={onClose} wide>
      <div className={classes.body}>
        <p className={classes.state}>
          <StatusPill of="session" status={state} soft />
          <ThisSession {...session} />
          {ended_reason !== null && <span>{ended_reason}</span>}
        </p>
        <Panel title="Whose">
          <Properties>
            <Owner session={session} onFollow={onClose} />
            <Property name="Source">{SOURCE_NAMES[source]}</Property>
            {source === 'gateway' && (
              <Property name="Observed">
                <RelativeTime iso={observed_at} missing="The Gateway was never observed" />
              </Property>
            )}
          </Properties>
        </Panel>
        <Panel title="From where">
          <Properties>
            <Property name="Address">
              <Mark text={ip} label="Copy address" />
              <Others search={{ ip }} onFollow={onClose}>
                others from it
              </Others>
            </Property>
            <Property name="Network">
              {network === null ? (
                <Unknown why="The address is none" />
              ) : (
                <>
                  <Mark text={network} label="Copy network" />
                  <Others search={{ ip: network }} onFollow={onClose}>
                    others from it
                  </Others>
                </>
              )}
            </Property>
            <Property name="Device">
              {deviceOf(session)} <ClientTag {...session} />
            </Property>
            <Property name="User agent">{user_agent || <Unknown why="It named none" />}</Property>
            {source === 'control' && <Property name="Signed in by">{methods.join(' + ')}</Property>}
          </Properties>
        </Panel>
        <Panel title="When">
          <Properties>
            <Property name="Signed in">{exactTime(created_at)}</Property>
            {authenticated_at !== null && authenticated_at !== created_at && (
              <Property name="Confirmed">{exactTime(authenticated_at)}</Property>
            )}
            <Property name="Last seen">
              <RelativeTime iso={last_seen_at} />
            </Property>
            <Property name={ended_at === null ? 'Expires' : 'Ended'}>
              {exactTime(ended_at ?? expires_at)}
            </Property>
          </Properties>
        </Panel>
        <Panel title="Ids">
          <Properties>
            <Property name="Session id">
              <Mark text={session.session_id} label="Copy session id" />
            </Property>
            {session.gateway_session_id !== null && (
              <Property name="At the Gateway">
                <Mark text={session.gateway_session_id} label="Copy the Gateway’s session id" />
              </Property>
            )}
            {session.family_id !== null && (
              <Property name="Refresh tokens">
                family <Mark text={session.family_id} label="Copy family id" />
              </Property>
            )}
          </Properties>
        </Panel>
        <Activity
          title="What was done to it"
          query={{ target_type: 'session', target_id: session.session_id }}
          hide={['target', 'environment']}
          empty="Nothing yet"
        />
      </div>
      <footer className={classes.footer}>
        {actions.map(({ label, disabled, danger, onSelect }) => (
          <GuardedButton
            key={label}
            variant={danger ? 'filled' : 'default'}
            {...(danger && { color: 'red' })}
            against={disabled ?? null}
            onClick={onSelect}
          >
            {label}
          </GuardedButton>
        ))}
      </footer>
    </SideDrawer>
  );
}

function Owner({
  session: { user_id, user_email, end_user_id, tenant_id, environment },
  onFollow,
}: {
  session: Session;
  onFollow: () => void;
}) {
  if (user_id !== null)
    return (
      <Property name="User">
        <Way to="/users/$user_id" params={{ user_id }}>
          {user_email}
        </Way>
        <Others search={{ q: user_email ?? '' }} onFollow={onFollow}>
          all sessions
        </Others>
      </Property>
    );
  return (
    <>
      <Property name="End user">
        {end_user_id}{' '}
        <Others search={{ q: end_user_id ?? '', tenant_id: tenant_id ?? '' }} onFollow={onFollow}>
          all sessions
        </Others>
      </Property>
      <Property name="Tenant">
        {tenant_id !== null && (
          <Way to="/tenants/$tenant_id" params={{ tenant_id }}>
            {tenant_id}
          </Way>
        )}
        <Others search={{ tenant_id: tenant_id ?? '' }} onFollow={onFollow}>
          all sessions
        </Others>
      </Property>
      <Property name="Environment">{environment}</Property>
    </>
  );
}

const Mark = ({ text, label }: { text: string; label: string }) => (
  <MiddleTruncate text={text} keep={20} label={label} />
);

const Way = ({ children, ...link }: Pick<LinkProps, 'to' | 'params'> & { children: ReactNode }) => (
  <Link {...(link as LinkProps)} className={classes.way}>
    {children}
  </Link>
);

/** The list of sessions, narrowed to what this one has in common with others; it may stand behind this drawer already. */
const Others = ({
  search,
  onFollow,
  children,
}: {
  search: Record<string, string>;
  onFollow: () => void;
  children: ReactNode;
}) => (
  <Link to="/sessions" search={search} onClick={onFollow} className={classes.others}>
    {children}
  </Link>
);
