import { expect, it } from 'vitest';
import { readEvents } from './event-stream.ts';

async function eventsOf(text: string) {
  async function* lines() {
    yield* text.split('\n');
  }
  const events = [];
  for await (const event of readEvents(lines())) events.push(event);
  return events;
}

it('reads the events of a stream, over comments and unknown fields', async () => {
  const stream = [
    'retry: 1000',
    '',
    'id: 7',
    'event: trace',
    'data: {"a":"b: c"}',
    '',
    ': still here',
    '',
    'event: job',
    'data: one',
    'data:two',
    '',
    'data',
    '',
  ].join('\n');
  expect(await eventsOf(stream)).toEqual([
    { event: 'trace', id: '7', data: '{"a":"b: c"}' },
    { event: 'job', id: '7', data: 'one\ntwo' },
    { event: 'message', id: '7', data: '' },
  ]);
});

it('leaves out an event that the stream was cut off within', async () => {
  expect(await eventsOf('data: whole\n\nevent: job\ndata: half')).toEqual([
    { event: 'message', id: '', data: 'whole' },
  ]);
});
