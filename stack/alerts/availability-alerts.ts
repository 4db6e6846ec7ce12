import { absent, gauge, increase, maxBy, rate, ratioBy, sumBy } from '#stack/queries/promql.ts';
import { type RuleGroup } from './alert.ts';

const vmagent = ['env', 'instance'] as const;

export const availabilityAlerts: RuleGroup = {
  name: 'availability',
  interval: '30s',
  alerts: [
    {
      name: 'ServiceDown',
      severity: 'page',
      expression: gauge('up').equals(0),
      for: '2m',
      summary:
        '{{ $labels.service }} {{ $labels.instance }} in {{ $labels.env }} has not answered its scrapes for 2 minutes (up {{ $value }}).',
      dashboard: 'operations',
    },
    {
      name: 'MetricsMissing',
      severity: 'page',
      expression: absent(gauge('up')),
      for: '5m',
      summary: 'No target at all has been scraped for 5 minutes: every other alert is blind.',
      dashboard: 'infrastructure',
      environment: 'none',
    },
    {
      name: 'NodeNotReady',
      severity: 'page',
      expression: gauge('platform_ready')
        .equals(0)
        .unless(['env', 'service', 'instance'], gauge('platform_draining').equals(1)),
      for: '5m',
      summary:
        '{{ $labels.service }} {{ $labels.instance }} in {{ $labels.env }} has not been ready for 5 minutes and does not drain (ready {{ $value }}).',
      dashboard: 'cluster',
    },
    {
      name: 'ReplicasMissing',
      severity: 'page',
      expression: maxBy(['environment', 'service'], gauge('swarm_service_replicas_desired'))
        .minus(maxBy(['environment', 'service'], gauge('swarm_service_replicas_running')))
        .above(0),
      for: '10m',
      summary:
        '{{ $labels.service }} in {{ $labels.environment }} has lacked {{ $value }} tasks for 10 minutes.',
      dashboard: 'cluster',
      environment: 'environment',
    },
    {
      name: 'ScrapesFailing',
      severity: 'ticket',
      expression: ratioBy(
        vmagent,
        rate('vm_promscrape_scrapes_failed_total'),
        rate('vm_promscrape_scrapes_total'),
      ).above(0.1),
      for: '10m',
      summary:
        '{{ $value | humanizePercentage }} of the scrapes of {{ $labels.instance }} in {{ $labels.env }} have failed for 10 minutes.',
      dashboard: 'infrastructure',
    },
    {
      name: 'MetricsWriteFailing',
      severity: 'ticket',
      expression: sumBy(vmagent, rate('vmagent_remotewrite_retries_count_total')).above(0.1),
      for: '10m',
      summary:
        'vmagent {{ $labels.instance }} in {{ $labels.env }} has repeated {{ $value | humanize }} writes each second for 10 minutes.',
      dashboard: 'infrastructure',
    },
    {
      name: 'MetricsLost',
      severity: 'page',
      expression: sumBy(vmagent, increase('vm_persistentqueue_bytes_dropped_total', {}, '5m')).above(0),
      for: '0s',
      summary:
        'vmagent {{ $labels.instance }} in {{ $labels.env }} has dropped {{ $value | humanize }} bytes of metrics in 5 minutes.',
      dashboard: 'infrastructure',
    },
    {
      name: 'PlacementWatchStale',
      severity: 'page',
      expression: maxBy(['environment'], gauge('control_placement_observation_age_seconds')).above(60),
      for: '2m',
      summary:
        'The placement store of {{ $labels.environment }} was last heard of {{ $value | humanizeDuration }} ago.',
      dashboard: 'control',
      environment: 'environment',
    },
  ],
};
