/** What node_exporter, cAdvisor, the Docker engine and Swarm managers export. */
import { metricsOf } from './metric.ts';

const nodeExporter = metricsOf(
  { source: 'node_exporter', environment: 'env' },
  {
    node_pressure_cpu_waiting_seconds_total: {
      type: 'counter',
      unit: 'seconds',
      labels: [],
      help: 'Time in which some task waited for a CPU.',
    },
    node_pressure_io_waiting_seconds_total: {
      type: 'counter',
      unit: 'seconds',
      labels: [],
      help: 'Time in which some task waited for I/O.',
    },
    node_pressure_io_stalled_seconds_total: {
      type: 'counter',
      unit: 'seconds',
      labels: [],
      help: 'Time in which all tasks waited for I/O.',
    },
    node_pressure_memory_waiting_seconds_total: {
      type: 'counter',
      unit: 'seconds',
      labels: [],
      help: 'Time in which some task waited for memory.',
    },
    node_pressure_memory_stalled_seconds_total: {
      type: 'counter',
      unit: 'seconds',
      labels: [],
      help: 'Time in which all tasks waited for memory.',
    },
    node_vmstat_oom_kill: {
      type: 'counter',
      unit: 'kills',
      labels: [],
      help: 'Processes killed for want of memory.',
    },
    node_load1: { type: 'gauge', unit: 'tasks', labels: [], help: 'Load average over one minute.' },
    node_cpu_seconds_total: {
      type: 'counter',
      unit: 'seconds',
      labels: ['cpu', 'mode'],
      help: 'CPU time by mode.',
    },
    node_memory_MemAvailable_bytes: {
      type: 'gauge',
      unit: 'bytes',
      labels: [],
      help: 'Memory that can be had without swapping.',
    },
    node_memory_MemTotal_bytes: { type: 'gauge', unit: 'bytes', labels: [], help: 'Memory of the host.' },
    node_filesystem_avail_bytes: {
      type: 'gauge',
      unit: 'bytes',
      labels: ['device', 'fstype', 'mountpoint'],
      help: 'Free space.',
    },
    node_filesystem_size_bytes: {
      type: 'gauge',
      unit: 'bytes',
      labels: ['device', 'fstype', 'mountpoint'],
      help: 'Size of the file system.',
    },
    node_filesystem_readonly: {
      type: 'gauge',
      unit: 'boolean',
      labels: ['device', 'fstype', 'mountpoint'],
      help: '1 when the file system turned read-only.',
    },
    node_disk_read_time_seconds_total: {
      type: 'counter',
      unit: 'seconds',
      labels: ['device'],
      help: 'Time spent in reads.',
    },
    node_disk_reads_completed_total: {
      type: 'counter',
      unit: 'operations',
      labels: ['device'],
      help: 'Reads.',
    },
    node_disk_write_time_seconds_total: {
      type: 'counter',
      unit: 'seconds',
      labels: ['device'],
      help: 'Time spent in writes.',
    },
    node_disk_writes_completed_total: {
      type: 'counter',
      unit: 'operations',
      labels: ['device'],
      help: 'Writes.',
    },
    node_disk_io_time_weighted_seconds_total: {
      type: 'counter',
      unit: 'seconds',
      labels: ['device'],
      help: 'Time spent in I/O, weighted by what was queued.',
    },
  },
);

const cadvisor = metricsOf(
  { source: 'cAdvisor', environment: 'env' },
  {
    container_oom_events_total: {
      type: 'counter',
      unit: 'kills',
      labels: [
        'container_label_com_docker_swarm_service_name',
        'container_label_com_docker_swarm_task_name',
        'container_label_com_docker_swarm_node_id',
        'name',
      ],
      help: 'Kills for want of memory in the container.',
    },
    container_cpu_usage_seconds_total: {
      type: 'counter',
      unit: 'seconds',
      labels: [
        'container_label_com_docker_swarm_service_name',
        'container_label_com_docker_swarm_task_name',
        'container_label_com_docker_swarm_node_id',
        'name',
        'cpu',
      ],
      help: 'CPU time used by the container.',
    },
    container_cpu_cfs_throttled_periods_total: {
      type: 'counter',
      unit: 'periods',
      labels: [
        'container_label_com_docker_swarm_service_name',
        'container_label_com_docker_swarm_task_name',
        'container_label_com_docker_swarm_node_id',
        'name',
      ],
      help: 'Periods in which the container was held back.',
    },
    container_cpu_cfs_periods_total: {
      type: 'counter',
      unit: 'periods',
      labels: [
        'container_label_com_docker_swarm_service_name',
        'container_label_com_docker_swarm_task_name',
        'container_label_com_docker_swarm_node_id',
        'name',
      ],
      help: 'Periods in which the container could run.',
    },
    container_memory_working_set_bytes: {
      type: 'gauge',
      unit: 'bytes',
      labels: [
        'container_label_com_docker_swarm_service_name',
        'container_label_com_docker_swarm_task_name',
        'container_label_com_docker_swarm_node_id',
        'name',
      ],
      help: 'Memory that cannot be reclaimed.',
    },
    container_spec_memory_limit_bytes: {
      type: 'gauge',
      unit: 'bytes',
      labels: [
        'container_label_com_docker_swarm_service_name',
        'container_label_com_docker_swarm_task_name',
        'container_label_com_docker_swarm_node_id',
        'name',
      ],
      help: 'Limit of memory; 0 is none.',
    },
    container_start_time_seconds: {
      type: 'gauge',
      unit: 'unix time',
      labels: [
        'container_label_com_docker_swarm_service_name',
        'container_label_com_docker_swarm_task_name',
        'container_label_com_docker_swarm_node_id',
        'name',
      ],
      help: 'When the container started.',
    },
  },
);

const docker = metricsOf(
  { source: 'Docker engine', environment: 'env' },
  {
    engine_daemon_container_states_containers: {
      type: 'gauge',
      unit: 'containers',
      labels: ['state'],
      help: 'Containers of the host by state.',
    },
    engine_daemon_health_checks_failed_total: {
      type: 'counter',
      unit: 'checks',
      labels: [],
      help: 'Health checks that failed.',
    },
  },
);

const swarm = metricsOf(
  { source: 'Swarm manager', environment: 'env' },
  {
    swarm_manager_nodes: {
      type: 'gauge',
      unit: 'hosts',
      labels: ['state'],
      help: 'Hosts by state, as the manager sees them.',
    },
    swarm_manager_tasks_total: {
      type: 'gauge',
      unit: 'tasks',
      labels: ['state'],
      help: 'Tasks by state; a gauge in spite of its name.',
    },
    swarm_manager_leader: {
      type: 'gauge',
      unit: 'boolean',
      labels: [],
      help: '1 on the leader of the managers.',
    },
    swarm_raft_transaction_latency_seconds: {
      type: 'histogram',
      unit: 'seconds',
      labels: [],
      help: 'Time of a transaction of the managers.',
    },
    swarm_dispatcher_scheduling_delay_seconds: {
      type: 'histogram',
      unit: 'seconds',
      labels: [],
      help: 'Time from a task being made to its being running.',
    },
  },
);

export const hostMetrics = { ...nodeExporter, ...cadvisor, ...docker, ...swarm };
