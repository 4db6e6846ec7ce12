import { Button } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import { listAuditEvents } from '#contract/audit.ts';
import type { QueryOf } from '#contract/endpoint.ts';
import { mayAnywhere, useEndpoint, useMe } from '#ui/api/queries.ts';
import type { AppSearch } from '#ui/app/search-params.ts';
import { EmptyState } from '#ui/patterns/empty-state.tsx';
import { Panel } from '#ui/patterns/panel.tsx';
import { ProblemAlert } from '#ui/patterns/problem-alert.tsx';
import classes from './activity.module.css';
import { AuditTable, type AuditColumn } from './audit-table.tsx';

const LIMIT = 50;

/** The last audit events of one thing, and the way to all of them. */
export function Activity({
  title,
  query,
  search,
  hide,
  empty,
}: {
  title: string;
  /** Which events. */
  query: QueryOf<typeof listAuditEvents>;
  /** The same question to the audit log, where its filters can ask it; without it there is no link. */
  search?: AppSearch;
  hide?: readonly AuditColumn[];
  empty: string;
}) {
  const signedIn = useMe().data;
  const allowed = mayAnywhere(signedIn, 'audit.view');
  const { data, error, refetch } = useEndpoint(
    listAuditEvents,
    { query: { limit: LIMIT, ...query } },
    { refetchInterval: 15_000, enabled: allowed.allowed },
  );
  if (signedIn && !allowed.allowed)
    return (
      <Panel title={title}>
        <EmptyState title="You may not read the audit log" hint={allowed.reason} />
      </Panel>
    );
  return (
    <Panel
      title={title}
      flush
      actions={
        search && (
          <Button
            variant="subtle"
            size="compact-sm"
            renderRoot={(props) => <Link {...props} to="/audit" search={search} />}
          >
            Open in the audit log
          </Button>
        )
      }
    >
      {error && (
        <div className={classes.problem}>
          <ProblemAlert error={error} tone={data ? 'attention' : 'failing'} onRetry={() => void refetch()} />
        </div>
      )}
      {(data || !error) && (
        <AuditTable
          plain
          label={title}
          events={data?.items ?? []}
          {...(hide && { hide })}
          skeleton={data === undefined ? 6 : undefined}
          dimmed={error !== null}
          empty={<EmptyState title={empty} />}
        />
      )}
    </Panel>
  );
}
