import type { Service } from '#contract/fleet.ts';
import type { Column } from '#ui/patterns/data-table.tsx';
import { Unknown } from '#ui/patterns/figure.tsx';
import { ObservedAge } from '#ui/patterns/observed-age.tsx';
import { RelativeTime } from '#ui/patterns/relative-time.tsx';
import { StatusPill } from '#ui/patterns/status-pill.tsx';
import { ImageVersion } from './image-version.tsx';
import { loadColumns } from './load-columns.tsx';
import { Replicas } from './replicas.tsx';
import { StateCell } from './state-cell.tsx';

export const serviceId = ({ environment, service_id }: Service): string => `${environment} ${service_id}`;
export const serviceLink = ({ service_id, environment }: Service) =>
  ({ to: '/scale/services/$service_id', params: { service_id }, search: { env: environment } }) as const;

export const SERVICE_COLUMNS: readonly Column<Service>[] = [
  { id: 'name', header: 'Service', sort: 'name', width: 132, cell: ({ name }) => name },
  {
    id: 'state',
    header: 'State',
    sort: 'state',
    width: 120,
    grow: true,
    cell: ({ state, since, problem }) => (
      <StateCell since={since} problem={problem}>
        <StatusPill of="service" status={state} />
      </StateCell>
    ),
  },
  {
    id: 'kind',
    header: 'Kind',
    wide: true,
    width: 76,
    cell: ({ kind }) => kind ?? <Unknown why="No label says what kind of nodes it runs" />,
  },
  {
    id: 'replicas',
    header: 'Replicas',
    sort: 'replicas_running',
    width: 112,
    hint: 'Running, of those that are wanted',
    cell: (service) => <Replicas service={service} />,
  },
  {
    id: 'image',
    header: 'Version',
    width: 140,
    hint: 'Tag and digest of the image',
    cell: ({ image, digest, version }) => <ImageVersion image={image} digest={digest} version={version} />,
  },
  ...loadColumns<Service>(() => 'None of its nodes has said it'),
  { id: 'since', header: 'Since', wide: true, width: 76, cell: ({ since }) => <RelativeTime iso={since} /> },
  {
    id: 'observed',
    header: 'Observed',
    width: 84,
    cell: ({ observation }) => <ObservedAge observation={observation} bare />,
  },
];
