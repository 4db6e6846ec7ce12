import type { KeptResource } from '#contract/tenants.ts';
import { EnvironmentBadge } from '#ui/app/environment-badge.tsx';
import { DataTable, type Column } from '#ui/patterns/data-table.tsx';
import { MiddleTruncate } from '#ui/patterns/middle-truncate.tsx';
import { Panel } from '#ui/patterns/panel.tsx';
import { RelativeTime } from '#ui/patterns/relative-time.tsx';

const COLUMNS: readonly Column<KeptResource>[] = [
  { id: 'kind', header: 'Kind', width: 72, cell: ({ kind }) => kind },
  { id: 'name', header: 'Name', grow: true, cell: ({ name }) => <MiddleTruncate text={name} keep={20} /> },
  {
    id: 'environment',
    header: 'Environment',
    width: 112,
    cell: ({ environment }) => <EnvironmentBadge environment={environment} quiet />,
  },
  {
    id: 'delete_after',
    header: 'Deleted',
    width: 120,
    hint: 'When its time is over; a restore before that brings it back',
    cell: ({ delete_after }) => <RelativeTime iso={delete_after} />,
  },
];
const resourceId = ({ environment, kind, name }: KeptResource): string => `${environment} ${kind} ${name}`;

/** Streams and buckets of an archived tenant that can still be brought back. */
export const KeptResources = ({ resources }: { resources: readonly KeptResource[] }) => (
  <Panel title="Kept until deleted" flush>
    <DataTable plain label="Kept streams and buckets" columns={COLUMNS} rows={resources} rowId={resourceId} />
  </Panel>
);
