import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  decodePlacementRecord,
  encodePlacementRecord,
  parsePlacementKey,
  placementKey,
  PLACEMENT_STATES,
  PlacementRecordError,
  SERVICE_KINDS,
  type PlacementRecord,
} from './placement-record.ts';

const record: PlacementRecord = {
  tenant_id: 'acme',
  service: 'projection',
  shard: 'prj-1',
  state: 'active',
  epoch: 3,
  job_id: null,
  updated_at: '2026-01-01T00:00:00.000Z',
};

const token = fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9_-]{0,40}$/);
const anyRecord = fc.record({
  tenant_id: token,
  service: fc.constantFrom(...SERVICE_KINDS),
  shard: token,
  state: fc.constantFrom(...PLACEMENT_STATES),
  epoch: fc.nat(),
  job_id: fc.option(fc.uuid()),
  updated_at: fc
    .date({ min: new Date(0), max: new Date('2100-01-01'), noInvalidDate: true })
    .map((date) => date.toISOString()),
});

describe('the placement record', () => {
  it('comes back from its text, and its key from its parts', () => {
    fc.assert(
      fc.property(anyRecord, (any) => {
        expect(decodePlacementRecord(encodePlacementRecord(any))).toEqual(any);
        const { service, tenant_id } = any;
        expect(parsePlacementKey(placementKey(service, tenant_id))).toEqual({ service, tenant_id });
      }),
    );
  });

  it.each([
    ['tenant_id', { tenant_id: 'a.b' }],
    ['service', { service: 'gateway' }],
    ['shard', { shard: '' }],
    ['state', { state: 'gone' }],
    ['epoch', { epoch: 1.5 }],
    ['job_id', { job_id: 7 }],
    ['updated_at', { updated_at: 'yesterday' }],
    ['epoch', { epoch: undefined }],
  ])('names %s when it is wrong', (field, wrong) => {
    const text = JSON.stringify({ ...record, ...wrong });
    expect(() => decodePlacementRecord(text)).toThrow(
      expect.objectContaining({ name: 'PlacementRecordError', field }),
    );
  });

  it.each(['', '[]', 'null', '{"tenant_id":'])('refuses the text %j', (text) => {
    expect(() => decodePlacementRecord(text)).toThrow(PlacementRecordError);
  });

  it('drops fields that it does not know', () => {
    expect(decodePlacementRecord(JSON.stringify({ ...record, colour: 'red' }))).toEqual(record);
  });

  it.each(['aggregate', 'aggregate.', '.acme', 'gateway.acme', 'aggregate.a.b'])(
    'refuses the key %j',
    (key) => {
      expect(() => parsePlacementKey(key)).toThrow(PlacementRecordError);
    },
  );
});
