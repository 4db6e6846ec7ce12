/** What VictoriaMetrics, vmagent, vmalert and Alertmanager export. */
import { metricsOf } from './metric.ts';

const scraped = metricsOf(
  { source: 'every scrape', environment: 'env' },
  {
    up: { type: 'gauge', unit: 'boolean', labels: [], help: '1 when the last scrape of the target worked.' },
  },
);

const vmagent = metricsOf(
  { source: 'vmagent', environment: 'env' },
  {
    vm_promscrape_scrapes_total: { type: 'counter', unit: 'scrapes', labels: [], help: 'Scrapes.' },
    vm_promscrape_scrapes_failed_total: {
      type: 'counter',
      unit: 'scrapes',
      labels: [],
      help: 'Scrapes that failed.',
    },
    vm_promscrape_scrape_pool_targets: {
      type: 'gauge',
      unit: 'targets',
      labels: ['scrape_job', 'status'],
      help: 'Targets of a scrape job by status.',
    },
    vm_promscrape_config_last_reload_successful: {
      type: 'gauge',
      unit: 'boolean',
      labels: [],
      help: '1 when the scrape configuration was taken over.',
    },
    vmagent_remotewrite_pending_data_bytes: {
      type: 'gauge',
      unit: 'bytes',
      labels: ['url'],
      help: 'Bytes that wait to be written to the store.',
    },
    vmagent_remotewrite_retries_count_total: {
      type: 'counter',
      unit: 'requests',
      labels: ['url'],
      help: 'Write requests that were tried again.',
    },
    vmagent_remotewrite_packets_dropped_total: {
      type: 'counter',
      unit: 'packets',
      labels: ['url'],
      help: 'Write requests that were given up.',
    },
    vmagent_remotewrite_send_duration_seconds_total: {
      type: 'counter',
      unit: 'seconds',
      labels: ['url'],
      help: 'Time spent in sending.',
    },
    vmagent_remotewrite_queues: {
      type: 'gauge',
      unit: 'connections',
      labels: ['url'],
      help: 'Connections to the store.',
    },
    vm_persistentqueue_bytes_dropped_total: {
      type: 'counter',
      unit: 'bytes',
      labels: ['path'],
      help: 'Bytes that the queue on disk had no room for.',
    },
    vmagent_hourly_series_limit_current_series: {
      type: 'gauge',
      unit: 'series',
      labels: [],
      help: 'Series of this hour.',
    },
    vmagent_hourly_series_limit_max_series: {
      type: 'gauge',
      unit: 'series',
      labels: [],
      help: 'Most series that an hour may have.',
    },
  },
);

const store = metricsOf(
  { source: 'VictoriaMetrics', environment: 'env' },
  {
    vm_free_disk_space_bytes: {
      type: 'gauge',
      unit: 'bytes',
      labels: ['path'],
      help: 'Free space of the store.',
    },
    vm_free_disk_space_limit_bytes: {
      type: 'gauge',
      unit: 'bytes',
      labels: ['path'],
      help: 'Free space at which the store turns read-only.',
    },
    vm_data_size_bytes: {
      type: 'gauge',
      unit: 'bytes',
      labels: ['type'],
      help: 'Bytes on disk by part of the store.',
    },
    vm_cache_entries: {
      type: 'gauge',
      unit: 'entries',
      labels: ['type'],
      help: 'Entries of a cache; `storage/hour_metric_ids` counts the active series.',
    },
    vm_new_timeseries_created_total: {
      type: 'counter',
      unit: 'series',
      labels: [],
      help: 'Series that were created.',
    },
    vm_slow_row_inserts_total: {
      type: 'counter',
      unit: 'rows',
      labels: [],
      help: 'Rows whose series was not in the cache.',
    },
    vm_rows_ignored_total: {
      type: 'counter',
      unit: 'rows',
      labels: ['reason'],
      help: 'Rows that were not stored.',
    },
  },
);

const vmalert = metricsOf(
  { source: 'vmalert', environment: 'env' },
  {
    vmalert_alerts_firing: {
      type: 'gauge',
      unit: 'alerts',
      labels: ['alertname', 'group'],
      help: 'Alerts that fire.',
    },
    vmalert_alerting_rules_errors_total: {
      type: 'counter',
      unit: 'evaluations',
      labels: ['group'],
      help: 'Alerting rules that could not be evaluated.',
    },
    vmalert_recording_rules_errors_total: {
      type: 'counter',
      unit: 'evaluations',
      labels: ['group'],
      help: 'Recording rules that could not be evaluated.',
    },
    vmalert_recording_rules_last_evaluation_samples: {
      type: 'gauge',
      unit: 'samples',
      labels: ['recording', 'group'],
      help: 'Samples that the rule gave last.',
    },
    vmalert_iteration_missed_total: {
      type: 'counter',
      unit: 'evaluations',
      labels: ['group'],
      help: 'Evaluations left out, because the one before took too long.',
    },
    vmalert_alerts_send_errors_total: {
      type: 'counter',
      unit: 'requests',
      labels: ['addr'],
      help: 'Notifications that Alertmanager did not take.',
    },
    vmalert_config_last_reload_successful: {
      type: 'gauge',
      unit: 'boolean',
      labels: [],
      help: '1 when the rules were taken over.',
    },
  },
);

const alertmanager = metricsOf(
  { source: 'Alertmanager', environment: 'env' },
  {
    alertmanager_notifications_total: {
      type: 'counter',
      unit: 'notifications',
      labels: ['integration'],
      help: 'Notifications sent.',
    },
    alertmanager_notifications_failed_total: {
      type: 'counter',
      unit: 'notifications',
      labels: ['integration'],
      help: 'Notifications that failed.',
    },
  },
);

export const victoriaMetrics = { ...scraped, ...vmagent, ...store, ...vmalert, ...alertmanager };
