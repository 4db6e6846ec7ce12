import fc from 'fast-check';
import { expect, it } from 'vitest';
import { addTrace, type JobTrace } from './job-events.ts';

const event = (sequence: number): JobTrace => ({
  type: 'trace',
  sequence,
  occurred_at: '2026-01-01T00:00:00.000Z',
  action: 'job.step.started',
  outcome: 'succeeded',
  actor: 'system',
  summary: 'A step',
  details: null,
});

it('a trace holds every event once and in order, however the stream repeats itself', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 30 })), (sequences) => {
      const trace = sequences.map(event).reduce(addTrace, [] as readonly JobTrace[]);
      const expected = [...new Set(sequences)].sort((a, b) => a - b);
      expect(trace.map(({ sequence }) => sequence)).toEqual(expected);
    }),
  );
});
