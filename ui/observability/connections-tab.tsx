import { useEnvironment } from '#ui/app/environment.tsx';
import { EmptyState } from '#ui/patterns/empty-state.tsx';
import { Mono } from '#ui/patterns/middle-truncate.tsx';
import { Panel } from '#ui/patterns/panel.tsx';
import { ProblemAlert } from '#ui/patterns/problem-alert.tsx';
import { RelativeTime } from '#ui/patterns/relative-time.tsx';
import { StatusPill } from '#ui/patterns/status-pill.tsx';
import classes from './connections-tab.module.css';
import { Setting } from './missing-part.tsx';
import { useObservability, type PartStatus } from './observability-queries.ts';
import { EMBEDDED_METRICS, PART_WORDS } from './part-words.ts';

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
  const { label, gives, embedded } = PART_WORDS[part];
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
        <div className={classes.ways}>
          <Setting text={setting} label={`Copy the setting of ${label}`} />
          {state === 'not_configured' && embedded && (
            <>
              or, in the embedded mode, <Setting text={EMBEDDED_METRICS} label="Copy the command" />
            </>
          )}
        </div>
      </div>
      {checked_at !== null && (
        <span className={classes.quiet}>
          asked <RelativeTime iso={checked_at} />
        </span>
      )}
    </li>
  );
}
