/** Pure: user codes, what a device hears that asks, and what a refresh token that comes (again) means. */
import { randomInt } from 'node:crypto';

/** RFC 8628 6.1: consonants only, so that nothing looks alike, no word appears, and every keyboard has them. 20^8 = 34 bits. */
const ALPHABET = 'BCDFGHJKLMNPQRSTVWXZ';
const CODE_LENGTH = 8;

/** A new user code, as people read it: `WDJB-MJHT`. */
export function newUserCode(): string {
  const letters = Array.from({ length: CODE_LENGTH }, () => ALPHABET[randomInt(ALPHABET.length)]);
  return `${letters.slice(0, 4).join('')}-${letters.slice(4).join('')}`;
}

/** A user code as it was issued, however it was typed; null for what cannot be one. */
export function readUserCode(typed: string): string | null {
  const letters = typed.toUpperCase().replaceAll(/[\s-]/g, '');
  const fits =
    letters.length === CODE_LENGTH && Array.from(letters).every((letter) => ALPHABET.includes(letter));
  return fits ? `${letters.slice(0, 4)}-${letters.slice(4)}` : null;
}

/** Long enough to fetch one's phone, short enough that few codes are worth guessing at a time. */
export const DEVICE_CODE_LIFE_S = 600;
/** Between two questions of a device. Shorter than the 5 s of RFC 8628: somebody sits before the terminal and waits. */
export const POLL_INTERVAL_S = 2;
/** RFC 8628 3.5: by so much the interval grows with each question that comes too early. */
export const SLOW_DOWN_S = 5;
/** What a network may shift between two questions that were sent with the interval between them. */
export const POLL_TOLERANCE_S = 0.5;

export const ACCESS_TOKEN_LIFE_S = 600;
/** For so long after its first use a refresh token gets its successor again: a lost answer signs nobody out. */
export const REFRESH_GRACE_S = 60;

export interface DeviceRequestState {
  state: 'pending' | 'approved' | 'denied' | 'used';
  expired: boolean;
  /** It asks before its interval has passed. */
  early: boolean;
}

/** What a device hears (RFC 8628 3.5); `approved` is worth tokens, once. A denial is told even after the code has expired. */
export function verdictOn({
  state,
  expired,
  early,
}: DeviceRequestState):
  | 'approved'
  | 'authorization_pending'
  | 'slow_down'
  | 'access_denied'
  | 'expired_token'
  | 'invalid_grant' {
  if (state === 'denied') return 'access_denied';
  if (state === 'used') return 'invalid_grant';
  if (expired) return 'expired_token';
  if (state === 'approved') return 'approved';
  return early ? 'slow_down' : 'authorization_pending';
}

export interface RefreshTokenUse {
  /** Since its first use; null: it was not used before. */
  used_s: number | null;
  successor_used: boolean;
}

/**
 * `again`: who lost the answer gets the same successor; counted from the first use, so asking again prolongs nothing. Once the successor
 * was used the answer was not lost, so whoever still sends the old one is somebody else.
 */
export function meaningOf({ used_s, successor_used }: RefreshTokenUse): 'first' | 'again' | 'reuse' {
  if (used_s === null) return 'first';
  return used_s <= REFRESH_GRACE_S && !successor_used ? 'again' : 'reuse';
}
