/** Pure: time-based one-time codes (RFC 6238): SHA-1, six digits, 30 seconds, which is what authenticator apps speak. */
import { Secret, TOTP } from 'otpauth';

const ISSUER = 'Cloudlysis Control';
const PERIOD_S = 30;
const DIGITS = 6;
/** One step earlier or later: a phone's clock may be wrong and a person is slow. */
const WINDOW = 1;
/** RFC 4226 section 4: 160 bits recommended. */
export const TOTP_KEY_BYTES = 20;

const totp = (key: Uint8Array, label = 'account') =>
  new TOTP({
    issuer: ISSUER,
    label,
    secret: new Secret({ buffer: new Uint8Array(key).buffer }),
    algorithm: 'SHA1',
    digits: DIGITS,
    period: PERIOD_S,
  });

/** What an authenticator app takes: the key to type in, and the address that a QR code shows. */
export function describeTotpKey(key: Uint8Array, email: string): { secret: string; uri: string } {
  const described = totp(key, email);
  return { secret: described.secret.base32, uri: described.toString() };
}

/**
 * The time step of a right code, or null. A step up to `lastStep` was taken before, so its code is worth nothing any more: each code
 * works once (ASVS 5.0 6.5.1).
 */
export function acceptedStep(key: Uint8Array, code: string, nowMs: number, lastStep: number): number | null {
  // The library throws on what is no ASCII.
  if (!/^[0-9]{6}$/.test(code)) return null;
  const delta = totp(key).validate({ token: code, timestamp: nowMs, window: WINDOW });
  if (delta === null) return null;
  const step = Math.floor(nowMs / 1000 / PERIOD_S) + delta;
  return step > lastStep ? step : null;
}
