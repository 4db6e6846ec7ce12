import { expect, it } from 'vitest';
import type { AuditEvent } from '#contract/audit.ts';
import { csvField, eventsAsCsv, eventsAsJson } from './audit-export.ts';

it.each([
  [null, ''],
  [7, '7'],
  [-7, '-7'],
  ['plain', 'plain'],
  ['a, "b"\nc', '"a, ""b""\nc"'],
  ['=HYPERLINK("x")', '"\'=HYPERLINK(""x"")"'],
  ['-1+1', "'-1+1"],
  [{ a: 1 }, '"{""a"":1}"'],
])('%j as a CSV field', (value, field) => {
  expect(csvField(value)).toBe(field);
});

it('exports every field of every event', () => {
  const event: AuditEvent = {
    sequence: 1,
    occurred_at: '2026-01-01T00:00:00.000Z',
    actor_type: 'user',
    actor_id: 'u',
    actor_label: 'a@b.c',
    on_behalf_of: null,
    impersonation_id: null,
    action: 'iam.users.suspend',
    outcome: 'succeeded',
    target_type: 'user',
    target_id: 't',
    tenant_id: null,
    environment: null,
    reason: 'left, the company',
    changes: [{ path: '/status', before: 'active', after: 'suspended' }],
    details: null,
    repeat_count: 1,
    ip: '::1',
    user_agent: 'curl/8',
    request_id: 'r',
    trace_id: null,
    job_id: null,
  };
  const [header, row, end] = eventsAsCsv([event]).split('\r\n');
  expect(header?.split(',').sort()).toEqual(Object.keys(event).sort());
  expect(row).toContain('"left, the company"');
  expect(end).toBe('');
  expect(JSON.parse(eventsAsJson([event]))).toEqual([event]);
});
