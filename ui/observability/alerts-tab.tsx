import { IconBellOff } from '@tabler/icons-react';
import { useNavigate, useSearch } from '@tanstack/react-router';
import { useMemo } from 'react';
import type { Alert } from '#contract/observability.ts';
import { useEnvironment } from '#ui/app/environment.tsx';
import { oneValue } from '#ui/app/search-params.ts';
import type { Column } from '#ui/patterns/data-table.tsx';
import { Unknown } from '#ui/patterns/figure.tsx';
import type { ListFilter } from '#ui/patterns/list-search.ts';
import { RelativeTime } from '#ui/patterns/relative-time.tsx';
import { StatusPill, Tag } from '#ui/patterns/status-pill.tsx';
import { AlertDrawer } from './alert-drawer.tsx';
import { byUrgency } from './alert-rules.ts';
import { optionsOf } from './local-list.ts';
import classes from './observability-page.module.css';
import { useAlerts, useObservability } from './observability-queries.ts';
import { SourceList } from './source-list.tsx';

const NOUN = { one: 'alert', many: 'alerts' };

const COLUMNS: readonly Column<Alert>[] = [
  {
    id: 'name',
    header: 'Alert',
    width: 184,
    cell: ({ name, silenced }) => (
      <span className={classes.name}>
        {name}
        {silenced && (
          <Tag>
            <IconBellOff size={12} aria-hidden /> silenced
          </Tag>
        )}
      </span>
    ),
  },
  { id: 'state', header: 'State', width: 96, cell: ({ state }) => <StatusPill of="alert" status={state} /> },
  {
    id: 'severity',
    header: 'Severity',
    width: 88,
    cell: ({ severity }) => <StatusPill of="severity" status={severity} />,
  },
  {
    id: 'since',
    header: 'Since',
    width: 96,
    cell: ({ active_since }) => <RelativeTime iso={active_since} />,
  },
  {
    id: 'service',
    header: 'Service',
    width: 96,
    cell: ({ service }) => service ?? <Unknown why="It is of no single service" />,
  },
  {
    id: 'summary',
    header: 'What is wrong',
    grow: true,
    cell: ({ summary }) => (
      <span className={classes.summary} title={summary}>
        {summary}
      </span>
    ),
  },
];

const fields = ({ severity, state, service }: Alert) => ({ severity, state, service });
const text = ({ name, summary, labels }: Alert) => [name, summary, ...Object.values(labels)];
const alertId = ({ alert_id }: Alert) => alert_id;
const alertLink = ({ alert_id }: Alert) => ({
  to: '.' as const,
  search: (before: object) => ({ ...before, alert: alert_id }),
});

export function AlertsTab() {
  const { environment } = useEnvironment();
  const { part } = useObservability(environment);
  const read = useAlerts(environment);
  const navigate = useNavigate();
  const open = oneValue(useSearch({ strict: false })['alert']);
  const items = read.data?.items;
  const filters = useMemo(
    (): ListFilter[] => [
      { name: 'state', label: 'State', type: 'many', options: optionsOf(['firing', 'pending']) },
      { name: 'severity', label: 'Severity', type: 'many', options: optionsOf(['page', 'ticket', 'info']) },
      {
        name: 'service',
        label: 'Service',
        type: 'many',
        options: optionsOf(items?.map(({ service }) => service) ?? []),
      },
    ],
    [items],
  );
  return (
    <>
      <SourceList
        noun={NOUN}
        environment={environment}
        part={part('alerts')}
        read={read}
        filters={filters}
        searchPlaceholder="Search by name, text or label"
        fields={fields}
        text={text}
        order={byUrgency}
        columns={COLUMNS}
        rowId={alertId}
        rowLink={alertLink}
        empty={{
          title: `Nothing fires in ${environment}`,
          hint: 'No rule finds anything wrong, and none is about to.',
        }}
      />
      <AlertDrawer
        alert={items?.find(({ alert_id }) => alert_id === open)}
        environment={environment}
        onClose={() =>
          void navigate({ to: '.', search: (before) => ({ ...before, alert: undefined }), replace: true })
        }
      />
    </>
  );
}
