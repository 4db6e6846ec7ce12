import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { HOTP, Secret, TOTP } from 'otpauth';
import { expect, it } from 'vitest';
import { acceptedStep, describeTotpKey } from './totp-rules.ts';

/** RFC 6238 appendix B, SHA-1: seconds and the last six of its eight digits. */
const VECTORS = [
  [59, '287082'],
  [1_111_111_109, '081804'],
  [1_111_111_111, '050471'],
  [1_234_567_890, '005924'],
  [2_000_000_000, '279037'],
  [20_000_000_000, '353130'],
] as const;
const KEY = Buffer.from('12345678901234567890');

it.each(VECTORS)('takes the code of RFC 6238 at %i s', (seconds, code) => {
  expect(acceptedStep(KEY, code, seconds * 1000, 0)).toBe(Math.floor(seconds / 30));
});

it('takes the codes of the step before and after, and none further away', () => {
  const at = 1_111_111_111_000;
  const step = Math.floor(at / 30_000);
  const code = (counter: number) =>
    HOTP.generate({ secret: Secret.fromLatin1('12345678901234567890'), counter });
  const accepted = [-2, -1, 0, 1, 2].map((offset) => acceptedStep(KEY, code(step + offset), at, 0));
  expect(accepted).toEqual([null, step - 1, step, step + 1, null]);
});

it('takes each code once, and none from before it', () => {
  const at = 59_000;
  expect(acceptedStep(KEY, '287082', at, 0)).toBe(1);
  expect(acceptedStep(KEY, '287082', at, 1)).toBeNull();
  expect(acceptedStep(KEY, '287082', at, 2)).toBeNull();
});

it.each(['', '28708', '2870820', 'abcdef', '287 082', '٢٨٧٠٨٢'])('does not take %j', (code) => {
  expect(acceptedStep(KEY, code, 59_000, 0)).toBeNull();
});

it('describes a key so that an authenticator app computes the same codes', () => {
  const { secret, uri } = describeTotpKey(KEY, 'anna@example.com');
  expect(Secret.fromBase32(secret).latin1).toBe('12345678901234567890');
  expect(uri).toBe(
    'otpauth://totp/Cloudlysis%20Control:anna%40example.com?issuer=Cloudlysis%20Control&secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&algorithm=SHA1&digits=6&period=30',
  );
});

const oathtool = spawnSync('oathtool', ['--version']).status === 0;
it.runIf(oathtool)('agrees with oathtool on keys and times of chance', () => {
  for (let round = 0; round < 20; round++) {
    const key = randomBytes(20);
    const at = Math.floor(Math.random() * 4e9);
    const code = spawnSync('oathtool', ['--totp', `--now=@${at}`, key.toString('hex')], {
      encoding: 'utf8',
    }).stdout.trim();
    expect(acceptedStep(key, code, at * 1000, 0)).toBe(Math.floor(at / 30));
    expect(
      TOTP.generate({ secret: new Secret({ buffer: new Uint8Array(key).buffer }), timestamp: at * 1000 }),
    ).toBe(code);
  }
});
