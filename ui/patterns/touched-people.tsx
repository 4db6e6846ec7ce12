import type { TouchedPeople as People } from '#contract/jobs.ts';
import { formatCount, plural } from './format.ts';
import { Mono } from './middle-truncate.tsx';
import classes from './plan-dialog.module.css';

const SHOWN = 3;
const OWN = {
  none: 'none of them is yours',
  kept: 'yours fits too and is left alone',
  ends: 'yours is among them: you are signed out',
} as const;

/** Whose sessions a plan ends: how many, of whom, and whether one's own is among them. */
export function TouchedPeople({ people }: { people: People }) {
  const { sessions, own, users, first_users, end_users, first_end_users, tenants, first_tenants } = people;
  return (
    <dl className={classes.touched}>
      <div>
        <dt>{plural(sessions, 'session')}</dt>
        <dd data-own={own}>{OWN[own]}</dd>
      </div>
      <Owners
        count={users}
        noun="user"
        first={first_users.map((email) => (
          <dd key={email} className={classes.contact}>
            {email}
          </dd>
        ))}
      />
      <Owners
        count={end_users}
        noun="end user"
        first={first_end_users.map(({ end_user_id, tenant_id, environment }) => (
          <dd key={`${environment} ${tenant_id} ${end_user_id}`}>
            <Mono>{end_user_id}</Mono> of {tenant_id} · {environment}
          </dd>
        ))}
      />
      {tenants > 0 && (
        <Owners
          count={tenants}
          noun="tenant"
          first={first_tenants.map(({ tenant_id, environment, sessions: its }) => (
            <dd key={`${environment} ${tenant_id}`}>
              <Mono>{tenant_id}</Mono> · {environment} · {plural(its, 'session')}
            </dd>
          ))}
        />
      )}
    </dl>
  );
}

function Owners({ count, noun, first }: { count: number; noun: string; first: readonly React.ReactNode[] }) {
  const shown = first.slice(0, SHOWN);
  return (
    <div>
      <dt>{plural(count, noun)}</dt>
      {shown}
      {count > shown.length && <dd>and {formatCount(count - shown.length)} more</dd>}
    </div>
  );
}
