import { expect, test } from 'vitest';
import { shareReads } from './shared-read.ts';

/** A store whose reads end when the test says so. */
function slowStore() {
  let value = 'old';
  const ends: (() => void)[] = [];
  let reads = 0;
  const read = async () => {
    reads++;
    const seen = value;
    await new Promise<void>((resolve) => ends.push(resolve));
    return seen;
  };
  return {
    read,
    write: (next: string) => (value = next),
    endRead: () => ends.shift()?.(),
    reads: () => reads,
  };
}
const turn = () => new Promise((resolve) => setImmediate(resolve));

test('who asks after a write never gets what was read before it', async () => {
  const store = slowStore();
  const read = shareReads(store.read);
  const before = read('k');
  store.write('new');
  const after = [read('k'), read('k'), read('k')];
  store.endRead();
  expect(await before).toBe('old');
  await turn();
  store.endRead();
  expect(await Promise.all(after)).toEqual(['new', 'new', 'new']);
  expect(store.reads()).toBe(2);
});

test('keys do not wait for each other, and a failed read is not handed on', async () => {
  let reads = 0;
  const read = shareReads(async (key) => {
    if (++reads === 1) throw new Error('away');
    return key;
  });
  const first = read('a');
  const second = read('a');
  await expect(first).rejects.toThrow('away');
  expect(await second).toBe('a');
  expect(await read('b')).toBe('b');
});
