import { Link, Outlet } from '@tanstack/react-router';
import type { EnvironmentSummary } from '#contract/scale.ts';
import { useEnvironment } from '#ui/app/environment.tsx';
import { useNow } from '#ui/patterns/clock.ts';
import { formatCount, plural } from '#ui/patterns/format.ts';
import { Hint } from '#ui/patterns/hint.tsx';
import { isStale, ObservedAge } from '#ui/patterns/observed-age.tsx';
import { PageHeader } from '#ui/patterns/page-header.tsx';
import { StatusPill, Tag } from '#ui/patterns/status-pill.tsx';
import classes from './scale.module.css';
import { SCALE_TABS } from './scale-tabs.ts';
import { Trouble } from './trouble.tsx';

/** Which shard serves whom, and how the fleet bears it, in the chosen environment. */
export function ScalePage() {
  const { environment, environments } = useEnvironment();
  const summary = environments.find((one) => one.environment === environment);
  return (
    <div className={classes.page}>
      <PageHeader title="Scale & Placement">{summary && <Summary summary={summary} />}</PageHeader>
      <div className={classes.troubles}>
        {[summary?.watcher, summary?.orchestrator].map(
          (watch, index) => watch && watch.state !== 'live' && <Trouble key={index} problem={watch.detail} />,
        )}
      </div>
      <nav className={classes.tabs} aria-label="Parts of Scale & Placement">
        {SCALE_TABS.map((group) => (
          <span key={group[0].to} className={classes.group}>
            {group.map(({ label, to }) => (
              <Link key={to} to={to} className={classes.tab} activeOptions={{ includeSearch: false }}>
                {label}
              </Link>
            ))}
          </span>
        ))}
      </nav>
      <div className={classes.body}>
        <Outlet />
      </div>
    </div>
  );
}

/** What is known of the environment; dimmed when nobody has confirmed it for a while. */
function Summary({ summary }: { summary: EnvironmentSummary }) {
  const now = useNow();
  return (
    <div
      className={classes.summary}
      data-stale={(summary.watcher.state === 'live' && isStale(summary.observation, now)) || undefined}
    >
      <span>
        {summary.nodes.ready} of {summary.nodes.total} nodes ready
      </span>
      <span>{formatCount(summary.placement_count)} placements</span>
      <span>revision {summary.placement_revision}</span>
      <span>
        watcher <StatusPill of="watcher" status={summary.watcher.state} />
        <Warnings warnings={summary.placement_store.warnings} />
      </span>
      {summary.orchestrator && (
        <span>
          orchestrator{' '}
          <Hint
            label={summary.orchestrator.detail ?? 'Hosts, services and tasks are followed as they change'}
          >
            <span>
              <StatusPill of="watcher" status={summary.orchestrator.state} />
            </span>
          </Hint>
        </span>
      )}
      <ObservedAge observation={summary.observation} />
    </div>
  );
}

/** What is unsafe about how the placement store is set up. */
function Warnings({ warnings }: { warnings: readonly string[] }) {
  if (warnings.length === 0) return null;
  return (
    <Hint label={warnings.join(' ')}>
      <span>
        <Tag tone="attention">{plural(warnings.length, 'warning')}</Tag>
      </span>
    </Hint>
  );
}
