/** Queries about hosts that more than one dashboard shows. */
import { aggregate, gauge, maxOverTime, not, notMatching, rate, sumBy } from '#stack/queries/promql.ts';

/** File systems that hold data. */
export const dataVolumes = { fstype: notMatching('tmpfs|ramfs|overlay|squashfs|iso9660') };

const volume = ['instance', 'mountpoint'] as const;
const device = ['instance', 'device'] as const;

export const diskFill = aggregate('min', volume, gauge('node_filesystem_avail_bytes', dataVolumes))
  .dividedBy(aggregate('min', volume, gauge('node_filesystem_size_bytes', dataVolumes)))
  .complement();

/** Mean time of one read. */
export const readLatency = sumBy(device, rate('node_disk_read_time_seconds_total')).dividedBy(
  sumBy(device, rate('node_disk_reads_completed_total')),
);

/** Mean time of one write. */
export const writeLatency = sumBy(device, rate('node_disk_write_time_seconds_total')).dividedBy(
  sumBy(device, rate('node_disk_writes_completed_total')),
);

/** Operations that wait or run at a time. */
export const diskQueue = sumBy(device, rate('node_disk_io_time_weighted_seconds_total'));

const swarmService = 'container_label_com_docker_swarm_service_name';

/** Containers of each Swarm service that were started in the last 15 minutes. A restart under Swarm is a new container. */
export const startedContainers = {
  [`{{${swarmService}}}`]: aggregate(
    'count',
    [swarmService],
    maxOverTime('container_start_time_seconds', { [swarmService]: not('') }, '15m').above('time() - 900'),
  ),
};
