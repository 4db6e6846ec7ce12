/** What metrics, alerts and logs say of the chosen environment, and whether they say anything at all. */
import { Link, Outlet } from '@tanstack/react-router';
import { useEnvironment } from '#ui/app/environment.tsx';
import { EmptyState } from '#ui/patterns/empty-state.tsx';
import { PageHeader } from '#ui/patterns/page-header.tsx';
import { StatusPill } from '#ui/patterns/status-pill.tsx';
import classes from './observability-page.module.css';
import { useAlerts, useObservability, useTargets, type PartStatus } from './observability-queries.ts';
import { OBSERVABILITY_TABS } from './observability-tabs.ts';
import { PART_WORDS } from './part-words.ts';

export function ObservabilityPage() {
  const { environment } = useEnvironment();
  const { allowed, parts } = useObservability(environment);
  const alerts = useAlerts(environment);
  const targets = useTargets(environment);
  const counts: Record<string, number | undefined> = {
    '/observability/alerts': alerts.data?.items.filter(({ state }) => state === 'firing').length,
    '/observability/targets': targets.data?.items.filter(({ health }) => health === 'down').length,
  };
  return (
    <div className={classes.page}>
      <PageHeader title="Observability">{parts && <Parts parts={parts} />}</PageHeader>
      <nav className={classes.tabs} aria-label="Parts of Observability">
        {OBSERVABILITY_TABS.map(({ label, to }) => (
          <Link key={to} to={to} className={classes.tab} activeOptions={{ includeSearch: false }}>
            {label}
            {Boolean(counts[to]) && <span className={classes.count}>{counts[to]}</span>}
          </Link>
        ))}
      </nav>
      <div className={classes.body}>
        {allowed.allowed ? (
          <Outlet />
        ) : (
          <EmptyState title={`You may not look into ${environment}`} hint={allowed.reason} />
        )}
      </div>
    </div>
  );
}

/** Which parts of the stack do not answer, on one line, and how many do; all about each stands under Connections. */
function Parts({ parts }: { parts: readonly PartStatus[] }) {
  const connected = parts.filter(({ state }) => state === 'connected').length;
  return (
    <Link to="/observability/connections" className={classes.parts}>
      {connected > 0 && (
        <StatusPill
          of="part"
          status="connected"
          word={connected === parts.length ? 'everything connected' : `${connected} connected`}
        />
      )}
      {(['unreachable', 'not_configured'] as const).map((state) => {
        const those = parts.filter((one) => one.state === state);
        return (
          those.length > 0 && (
            <span key={state}>
              <StatusPill of="part" status={state} />
              {those.map(({ part }) => PART_WORDS[part].label).join(', ')}
            </span>
          )
        );
      })}
    </Link>
  );
}
