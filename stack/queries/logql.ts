/** LogQL over the streams that Alloy ships: labels `env`, `service`, `level`; tenant and correlation ids as structured metadata. */

/** Lines of the chosen environment and services, narrowed to the tenant that a placeholder stands for when there is one. */
export function logLines(filters = '', tenant = '$tenant'): string {
  return `{env="$environment", service=~"$service"} | tenant_id=~"${tenant}"${filters}`;
}

/** Lines of a level per second by service, with placeholders for the tenant and the range of the rate. */
export function logRate(level: string, { tenant = '$tenant', window = '$__auto' } = {}): string {
  return `sum by (service, level) (rate({env="$environment", service=~"$service", level=~"${level}"} | tenant_id=~"${tenant}" [${window}]))`;
}

/** Kinds of errors of the last 10 minutes that the hour before did not see; `error_kind` is a bounded field of our log lines. */
export function newErrors(): string {
  const counted = (range: string): string =>
    `sum by (service, kind) (count_over_time({env="$environment", service=~"$service"} | json kind="error_kind" | level="error" | kind!="" ${range}))`;
  return `${counted('[10m]')} unless ${counted('[60m] offset 10m')}`;
}
