import { argon2Sync } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { hashPassword, verifyPassword } from './password-hashing.ts';

const unpadded = (bytes: Buffer) => bytes.toString('base64').replace(/=+$/, '');

describe('a kept password', () => {
  it('is recognised, and only it', async () => {
    const kept = await hashPassword('tangerine vivid moss');
    expect(kept).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}$/);
    expect(await verifyPassword('tangerine vivid moss', kept)).toEqual({ matches: true, outdated: false });
    expect(await verifyPassword('tangerine vivid mosS', kept)).toEqual({ matches: false, outdated: false });
  });

  it('has a salt of its own', async () => {
    expect(await hashPassword('tangerine vivid moss')).not.toBe(await hashPassword('tangerine vivid moss'));
  });

  it('is recognised with weaker parameters and said to be outdated', async () => {
    const nonce = Buffer.alloc(16, 7);
    const weak = argon2Sync('argon2id', {
      message: 'secret words',
      nonce,
      parallelism: 1,
      tagLength: 32,
      memory: 8192,
      passes: 1,
    });
    const kept = `$argon2id$v=19$m=8192,t=1,p=1$${unpadded(nonce)}$${unpadded(weak)}`;
    expect(await verifyPassword('secret words', kept)).toEqual({ matches: true, outdated: true });
  });

  it.each([null, '', 'plain text', '$argon2id$v=19$m=19456,t=2,p=1$$'])(
    'is never matched when there is none: %s',
    async (kept) => {
      expect((await verifyPassword('', kept)).matches).toBe(false);
    },
  );

  it('costs as much to miss as to verify when nobody has the email', async () => {
    const time = async (work: () => Promise<unknown>) => {
      const started = performance.now();
      await work();
      return performance.now() - started;
    };
    const kept = await hashPassword('tangerine vivid moss');
    const best = async (stored: string | null) =>
      Math.min(...(await sequence(5, () => time(() => verifyPassword('another one', stored)))));
    expect((await best(null)) / (await best(kept))).toBeGreaterThan(0.5);
  });

  it('is refused for now, not queued for ever, in a storm of sign-ins', async () => {
    const storm = await Promise.allSettled(Array.from({ length: 110 }, () => verifyPassword('x', WEAKEST)));
    const refused = storm.filter(({ status }) => status === 'rejected');
    expect(refused).toHaveLength(8);
    expect(refused[0]).toMatchObject({ reason: { code: 'unavailable', headers: { 'retry-after': '10' } } });
  });
});

/** The cheapest parameters that argon2 takes. */
const WEAKEST = `$argon2id$v=19$m=8,t=1,p=1$${unpadded(Buffer.alloc(16))}$${unpadded(Buffer.alloc(32))}`;

async function sequence<T>(count: number, work: () => Promise<T>): Promise<T[]> {
  const results: T[] = [];
  for (let done = 0; done < count; done++) results.push(await work());
  return results;
}
