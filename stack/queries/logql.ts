/** LogQL over the streams that Alloy ships: labels `env`, `service`, `instance`, `level`; tenant and correlation ids as structured metadata. */

/** Where a query is used: the placeholders that are filled in there. */
export interface LogScope {
  /** Matchers of the streams. */
  streams: string;
  tenant: string;
  /** Range of rates. */
  window: string;
}

/** On a dashboard: the chosen environment, services and tenants. */
const DASHBOARD_LOGS: LogScope = {
  streams: 'env="$environment", service=~"$service"',
  tenant: '$tenant',
  window: '$__auto',
};

/** Lines of the scope that pass the filters. */
export function logLines(filters = '', { streams, tenant } = DASHBOARD_LOGS): string {
  return `{${streams}} | tenant_id=~"${tenant}"${filters}`;
}

/** Lines of a level per second by service. */
export function logRate(level: string, { streams, tenant, window } = DASHBOARD_LOGS): string {
  return `sum by (service, level) (rate({${streams}, level=~"${level}"} | tenant_id=~"${tenant}" [${window}]))`;
}

/** Kinds of errors of the last 10 minutes that the hour before did not see; `error_kind` is a bounded field of our log lines. */
export function newErrors({ streams } = DASHBOARD_LOGS): string {
  const counted = (range: string): string =>
    `sum by (service, kind) (count_over_time({${streams}} | json kind="error_kind" | level="error" | kind!="" ${range}))`;
  return `${counted('[10m]')} unless ${counted('[60m] offset 10m')}`;
}
