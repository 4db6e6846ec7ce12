/** The Observability tab of a tenant, a service or a node: charts, log lines and the ways into Grafana. */
import type { JobListItem } from '#contract/jobs.ts';
import { EmptyState } from '#ui/patterns/empty-state.tsx';
import { ProblemAlert } from '#ui/patterns/problem-alert.tsx';
import type { About } from './chart-rules.ts';
import { FigureCharts } from './figure-charts.tsx';
import { LogLines } from './log-lines.tsx';
import { isMissing, MissingPart } from './missing-part.tsx';
import { LinksMenu } from './observability-links.tsx';
import classes from './observability-panels.module.css';
import { useLinks, useObservability } from './observability-queries.ts';
import { RangePicker } from './range-picker.tsx';
import { useTimeRange } from './time-range.ts';

export function ObservabilityPanels({
  about,
  concerns,
}: {
  about: About;
  concerns?: (job: JobListItem) => boolean;
}) {
  const { environment } = about;
  const { allowed, status, part, asking } = useObservability(environment, about.tenant_id);
  const { range, choose } = useTimeRange();
  const grafana = part('grafana');
  const links = useLinks(about, range, allowed.allowed && !asking && !isMissing(grafana));
  const metrics = part('metrics');
  if (!allowed.allowed) return <EmptyState title="You may not see metrics and logs" hint={allowed.reason} />;
  if (asking)
    return status.error ? (
      <ProblemAlert error={status.error} onRetry={() => void status.refetch()} />
    ) : (
      <div className={classes.bone} role="status" aria-busy aria-label="Loading" />
    );
  return (
    <div className={classes.stack}>
      {isMissing(metrics) ? (
        <MissingPart part={metrics} environment={environment} />
      ) : (
        <FigureCharts about={about} range={range} {...(concerns && { concerns })}>
          <RangePicker range={range} onChange={choose} />
          <LinksMenu links={links} />
        </FigureCharts>
      )}
      {/* Without metrics, too: what is logged can be read on its own. */}
      {!(isMissing(metrics) && isMissing(part('logs'))) && (
        <LogLines about={about} range={range} logs={part('logs')} />
      )}
    </div>
  );
}
