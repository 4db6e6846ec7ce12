import { useEnvironment } from '#ui/app/environment.tsx';
import { EmptyState } from '#ui/patterns/empty-state.tsx';
import { CopyButton, Mono } from '#ui/patterns/middle-truncate.tsx';
import { Panel } from '#ui/patterns/panel.tsx';
import { ProblemAlert } from '#ui/patterns/problem-alert.tsx';
import { RelativeTime } from '#ui/patterns/relative-time.tsx';
import { StatusPill } from '#ui/patterns/status-pill.tsx';
import classes from './connections-tab.module.css';
import { useObservability, type PartStatus } from './observability-queries.ts';
import { PART_WORDS } from './part-words.ts';

/** Which systems the environment's metrics, alerts and logs come from; of those that are missing, how to connect them. */
export function ConnectionsTab() {
  const { environment } = useEnvironment();
  const { status, parts } = useObservability(environment);
  return (
    <>
      {status.error && (
        <ProblemAlert
          error={status.error}
          tone={parts ? 'attention' : 'failing'}
          onRetry={() => void status.refetch()}
        />
      )}
      {!parts && !status.error && <EmptyState title="Asking the parts of the stack…" />}
      {parts && (
        <Panel title={`What ${environment} is observed by`}>
          <ul className={classes.parts}>
            {parts.map((part) => (
              <Part key={part.part} part={part} />
            ))}
          </ul>
        </Panel>
      )}
    </>
  );
}

function Part({ part: { part, state, address, setting, detail, checked_at } }: { part: PartStatus }) {
  const { label, gives } = PART_WORDS[part];
  return (
    <li className={classes.part}>
      <div>
        <strong>{label}</strong>
        <p className={classes.quiet}>Gives {gives}</p>
      </div>
      <StatusPill of="part" status={state} />
      <div className={classes.text}>
        {address !== null && <Mono>{address}</Mono>}
        {detail !== null && <p>{detail}</p>}
        <p className={classes.quiet}>
          <code>{setting}</code> in control.yaml{' '}
          <CopyButton text={setting} label={`Copy the setting of ${label}`} always />
        </p>
      </div>
      {checked_at !== null && (
        <span className={classes.quiet}>
          asked <RelativeTime iso={checked_at} />
        </span>
      )}
    </li>
  );
}
