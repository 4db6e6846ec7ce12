/** The shown events as a file. Made in the browser out of what the API answered, so it holds exactly what one sees. */
import type { AuditEvent } from '#contract/audit.ts';

const COLUMNS = [
  'sequence',
  'occurred_at',
  'actor_type',
  'actor_id',
  'actor_label',
  'on_behalf_of',
  'impersonation_id',
  'action',
  'outcome',
  'target_type',
  'target_id',
  'tenant_id',
  'environment',
  'reason',
  'changes',
  'details',
  'repeat_count',
  'ip',
  'user_agent',
  'request_id',
  'trace_id',
  'job_id',
] as const satisfies readonly (keyof AuditEvent)[];

/** One CSV field after RFC 4180. A leading `=`, `+`, `-` or `@` would be a formula to a spreadsheet: it gets an apostrophe. */
export function csvField(value: unknown): string {
  if (value === null || value === undefined) return '';
  const plain = typeof value === 'string' ? value : JSON.stringify(value);
  const text = typeof value === 'string' && /^[=+\-@\t\r]/.test(plain) ? `'${plain}` : plain;
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

export const eventsAsCsv = (events: readonly AuditEvent[]): string =>
  [
    COLUMNS.join(','),
    ...events.map((event) => COLUMNS.map((column) => csvField(event[column])).join(',')),
  ].join('\r\n') + '\r\n';

export const eventsAsJson = (events: readonly AuditEvent[]): string => `${JSON.stringify(events, null, 2)}\n`;

/** Hands a text to the browser as a download. */
export function download(name: string, type: string, text: string): void {
  const address = URL.createObjectURL(new Blob([text], { type }));
  const link = document.createElement('a');
  link.href = address;
  link.download = name;
  link.click();
  // The browser reads the address when it gets to it.
  setTimeout(() => URL.revokeObjectURL(address), 10_000);
}
