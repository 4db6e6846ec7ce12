/**
 * The random values that let somebody in: session tokens, API tokens and step-up proofs. All carry 256 random bits, so a plain
 * sha-256 is enough to keep them by: there is nothing to guess.
 */
import { hash, randomBytes } from 'node:crypto';
import { crc32 } from 'node:zlib';

const API_TOKEN_PREFIX = 'clc_';
const SECRET_LENGTH = 43;
const CHECKSUM_LENGTH = 6;
/** How much of an API token is kept readable, to recognise it by: four random characters tell nothing. */
const SHOWN_LENGTH = API_TOKEN_PREFIX.length + 4;

/** 32 random bytes, base64url. */
export const newSecret = (): string => randomBytes(32).toString('base64url');

/** What is stored of a secret. */
export const secretHash = (value: string): Buffer => hash('sha256', value, 'buffer');

/** A session's CSRF token: can be given again to who has the cookie, cannot be derived from the database. */
export const csrfTokenOf = (sessionToken: string): string =>
  hash('sha256', `csrf:${sessionToken}`, 'base64url');

function checksumOf(secret: string): string {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(crc32(API_TOKEN_PREFIX + secret));
  return bytes.toString('base64url');
}

/** A new API token. Prefix and checksum let a leak scanner find it in a text without asking the server. */
export function newApiToken(): { value: string; prefix: string } {
  const secret = newSecret();
  const value = API_TOKEN_PREFIX + secret + checksumOf(secret);
  return { value, prefix: value.slice(0, SHOWN_LENGTH) };
}

/** Whether a text has the form and the checksum of an API token; anything else needs no look into the database. */
export function isApiToken(value: string): boolean {
  if (!value.startsWith(API_TOKEN_PREFIX)) return false;
  if (value.length !== API_TOKEN_PREFIX.length + SECRET_LENGTH + CHECKSUM_LENGTH) return false;
  return value.endsWith(checksumOf(value.slice(API_TOKEN_PREFIX.length, -CHECKSUM_LENGTH)));
}
