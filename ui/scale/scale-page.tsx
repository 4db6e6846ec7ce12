import { Link, Outlet } from '@tanstack/react-router';
import { useEnvironment } from '#ui/app/environment.tsx';
import { formatCount } from '#ui/patterns/format.ts';
import { ObservedAge } from '#ui/patterns/observed-age.tsx';
import { PageHeader } from '#ui/patterns/page-header.tsx';
import { StatusPill } from '#ui/patterns/status-pill.tsx';
import classes from './scale.module.css';

const TABS = [
  { label: 'Shards', to: '/scale/shards' },
  { label: 'Placements', to: '/scale/placements' },
  { label: 'Nodes', to: '/scale/nodes' },
] as const;

/** Which shard serves whom, and how the fleet bears it, in the chosen environment. */
export function ScalePage() {
  const { environment, environments } = useEnvironment();
  const summary = environments.find((one) => one.environment === environment);
  return (
    <div className={classes.page}>
      <PageHeader title="Scale & Placement">
        {summary && (
          <div className={classes.summary}>
            <span>
              {summary.nodes.ready} of {summary.nodes.total} nodes ready
            </span>
            <span>{formatCount(summary.placement_count)} placements</span>
            <span>revision {summary.placement_revision}</span>
            <span>
              watcher <StatusPill of="watcher" status={summary.watcher.state} />
            </span>
            <ObservedAge observation={summary.observation} />
          </div>
        )}
      </PageHeader>
      <nav className={classes.tabs} aria-label="Parts of Scale & Placement">
        {TABS.map(({ label, to }) => (
          <Link key={to} to={to} className={classes.tab} activeOptions={{ includeSearch: false }}>
            {label}
          </Link>
        ))}
      </nav>
      <div className={classes.body}>
        <Outlet />
      </div>
    </div>
  );
}
