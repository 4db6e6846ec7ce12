import { Link, useParams } from '@tanstack/react-router';
import type { ServiceRevision } from '#contract/fleet.ts';
import { DataTable, type Column } from '#ui/patterns/data-table.tsx';
import { EmptyState } from '#ui/patterns/empty-state.tsx';
import { Unknown } from '#ui/patterns/figure.tsx';
import { Panel } from '#ui/patterns/panel.tsx';
import { RelativeTime } from '#ui/patterns/relative-time.tsx';
import { StatusPill } from '#ui/patterns/status-pill.tsx';
import classes from './fleet-page.module.css';
import { ImageVersion } from './image-version.tsx';
import { useService } from './fleet-queries.ts';

const COLUMNS: readonly Column<ServiceRevision>[] = [
  { id: 'revision', header: 'Revision', align: 'right', width: 72, cell: ({ revision }) => revision },
  {
    id: 'image',
    header: 'Version',
    width: 200,
    hint: 'Tag and digest of the image',
    cell: ({ image, digest }) => <ImageVersion image={image} digest={digest} />,
  },
  {
    id: 'replicas',
    header: 'Replicas',
    align: 'right',
    width: 80,
    hint: 'When it was recorded; another number alone makes no new revision',
    cell: ({ replicas }) => replicas ?? <Unknown why="One on every host" />,
  },
  {
    id: 'current',
    header: 'Wanted',
    width: 120,
    cell: ({ current }) => current && <StatusPill of="placement" status="active" word="now" />,
  },
  {
    id: 'job',
    header: 'Made by',
    grow: true,
    cell: ({ job_id }) =>
      job_id === null ? (
        <span className={classes.none}>no job of this control plane</span>
      ) : (
        <Link to="/jobs/$job_id" params={{ job_id }} className={classes.link}>
          a job
        </Link>
      ),
  },
  {
    id: 'recorded_at',
    header: 'Recorded',
    width: 104,
    cell: ({ recorded_at }) => <RelativeTime iso={recorded_at} />,
  },
];
const revisionId = ({ revision }: ServiceRevision): string => String(revision);

/** What the service ran before, as far as it was recorded. */
export function ServiceSpecificationsTab() {
  const { service_id } = useParams({ from: '/shell/scale/services/$service_id' });
  const { data: service } = useService(service_id);
  return (
    <Panel flush>
      <DataTable
        plain
        label="Specifications"
        columns={COLUMNS}
        rows={service?.history ?? []}
        rowId={revisionId}
        skeleton={service ? undefined : 3}
        empty={
          <EmptyState
            compact
            title="Nothing is recorded yet"
            hint="Each change of what the service runs is recorded from the first time that it is seen."
          />
        }
      />
    </Panel>
  );
}
