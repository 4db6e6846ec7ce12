import { aggregate, gauge, matching, maxBy, quantileBy, rate, sumBy } from '#stack/queries/promql.ts';
import { type DashboardSpec } from './dashboard.ts';
import { startedContainers } from './host-queries.ts';
import { figure, timeSeries, topTable } from './panel.ts';

export const clusterDashboard: DashboardSpec = {
  name: 'cluster',
  description: 'Are hosts, services and shards where they should be?',
  variables: [],
  next: ['infrastructure', 'regression', 'control'],
  rows: [
    {
      title: 'Nodes and hosts',
      panels: [
        figure({
          title: 'Nodes by state',
          description: 'Nodes of the platform by state, as the control plane observes them.',
          unit: 'none',
          queries: { '{{state}}': sumBy(['state'], gauge('control_nodes')) },
        }),
        figure({
          title: 'Hosts by state',
          description: 'Hosts by state, as the Swarm’s manager sees them.',
          unit: 'none',
          queries: { '{{state}}': maxBy(['state'], gauge('swarm_manager_nodes')) },
        }),
        figure({
          title: 'Nodes not ready',
          description: 'Nodes that answer and say that they are not ready; a draining one counts.',
          unit: 'none',
          queries: {
            '{{service}}': sumBy(['service'], gauge('platform_ready'))
              .times(-1)
              .plus(aggregate('count', ['service'], gauge('platform_ready'))),
          },
        }),
      ],
    },
    {
      title: 'Services',
      panels: [
        timeSeries({
          title: 'Tasks missing',
          description: 'Tasks that a service should have and that do not run.',
          unit: 'none',
          queries: {
            '{{service}}': maxBy(['service'], gauge('swarm_service_replicas_desired')).minus(
              maxBy(['service'], gauge('swarm_service_replicas_running')),
            ),
          },
        }),
        timeSeries({
          title: 'Restarts',
          description:
            'Containers of a service that were started in the last 15 minutes. A restart under Swarm is a new container.',
          unit: 'none',
          queries: startedContainers,
        }),
        timeSeries({
          title: 'Failed health checks',
          description: 'Health checks of containers that failed, each second, by host.',
          unit: 'ops',
          queries: { '{{instance}}': sumBy(['instance'], rate('engine_daemon_health_checks_failed_total')) },
        }),
        timeSeries({
          title: 'Tasks by state',
          description: 'Tasks by state, as the manager counts them.',
          unit: 'none',
          queries: {
            '{{state}}': maxBy(
              ['state'],
              gauge('swarm_manager_tasks_total', {
                state: matching('new|pending|assigned|preparing|starting|running|failed|rejected|orphaned'),
              }),
            ),
          },
        }),
        timeSeries({
          title: 'Containers by state',
          description: 'Containers of all hosts by state.',
          unit: 'none',
          queries: { '{{state}}': sumBy(['state'], gauge('engine_daemon_container_states_containers')) },
        }),
        timeSeries({
          title: 'Managers',
          description:
            'Time of a transaction of the managers, and from a task to its running. Slow disks show here first.',
          unit: 's',
          queries: {
            'transaction p95': quantileBy(0.95, [], 'swarm_raft_transaction_latency_seconds'),
            'scheduling p95': quantileBy(0.95, [], 'swarm_dispatcher_scheduling_delay_seconds'),
          },
        }),
      ],
    },
    {
      title: 'Placement',
      panels: [
        topTable({
          title: 'Tenants by shard',
          description: 'Tenants that are placed on each shard.',
          unit: 'none',
          queries: {
            tenants: sumBy(
              ['service', 'shard'],
              gauge('control_placed_tenants', { service: matching('.+') }),
            ),
          },
        }),
        timeSeries({
          title: 'Tenants by node',
          description: 'Tenants that each node serves. Nodes of a service should be near to each other.',
          unit: 'none',
          span: 12,
          queries: { '{{service}} {{instance}}': sumBy(['service', 'instance'], gauge('platform_tenants')) },
        }),
        timeSeries({
          title: 'Placement revision behind',
          description:
            'Writes of the placement store that a node has not applied, counted from the node that is furthest.',
          unit: 'none',
          span: 12,
          queries: {
            '{{service}}': aggregate('max', ['service'], gauge('platform_placement_revision')).minus(
              aggregate('min', ['service'], gauge('platform_placement_revision')),
            ),
          },
        }),
        timeSeries({
          title: 'Index behind',
          description: 'Writes of the placement store that the control plane’s index lacks.',
          unit: 'none',
          span: 12,
          queries: {
            '{{environment}}': maxBy(['environment'], gauge('control_placement_watcher_lag_revisions')),
          },
        }),
      ],
    },
  ],
};
