import { IconExternalLink } from '@tabler/icons-react';
import { listDashboards, type Dashboard } from '#contract/observability.ts';
import { useEndpoint } from '#ui/api/queries.ts';
import { useEnvironment } from '#ui/app/environment.tsx';
import { plural, words } from '#ui/patterns/format.ts';
import { ProblemAlert } from '#ui/patterns/problem-alert.tsx';
import classes from './dashboards-tab.module.css';
import { isMissing, MissingPart } from './missing-part.tsx';
import { OUTSIDE } from './observability-links.tsx';
import { useObservability } from './observability-queries.ts';

const BONES = 6;

/** The dashboards of the stack: what each answers, and the way there where there is a Grafana. */
export function DashboardsTab() {
  const { environment } = useEnvironment();
  const { part } = useObservability(environment);
  const { data, error, refetch } = useEndpoint(listDashboards, { query: { environment } });
  const grafana = part('grafana');
  return (
    <div className={classes.stack}>
      {isMissing(grafana) && (
        <div className={classes.missing}>
          <MissingPart compact part={grafana} environment={environment} />
        </div>
      )}
      {error && (
        <ProblemAlert error={error} tone={data ? 'attention' : 'failing'} onRetry={() => void refetch()} />
      )}
      <ol className={classes.dashboards} aria-busy={(!data && !error) || undefined}>
        {!data &&
          !error &&
          Array.from({ length: BONES }, (_, index) => (
            <li key={index} className={classes.bone} aria-hidden />
          ))}
        {data?.items.map((dashboard) => (
          <li key={dashboard.uid}>
            <Card dashboard={dashboard} />
          </li>
        ))}
      </ol>
    </div>
  );
}

function Card({ dashboard: { title, description, variables, panels, url } }: { dashboard: Dashboard }) {
  return (
    <article className={classes.card}>
      <h2>
        {url === null ? (
          title
        ) : (
          <a href={url} {...OUTSIDE}>
            {title} <IconExternalLink size={14} aria-label="Opens in a new tab" />
          </a>
        )}
      </h2>
      <p>{description}</p>
      {variables.length > 0 && <p className={classes.quiet}>Narrowed by {variables.map(words).join(', ')}</p>}
      <details>
        <summary>{plural(panels.length, 'panel')}</summary>
        <ul>
          {panels.map((panel, index) => (
            <li key={index}>{panel.title}</li>
          ))}
        </ul>
      </details>
    </article>
  );
}
