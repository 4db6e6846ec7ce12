/**
 * The random values that let somebody in: session tokens, API tokens, tokens of the command line client and step-up proofs. All carry 256 random bits, so a plain
 * sha-256 is enough to keep them by: there is nothing to guess.
 */
import { createHmac, hash, randomBytes } from 'node:crypto';
import { crc32 } from 'node:zlib';

const API_TOKEN_PREFIX = 'clc_';
/** Of a command line sign-in: the token that is sent with each request, and the one that gets the next. */
const ACCESS_TOKEN_PREFIX = 'clca_';
const REFRESH_TOKEN_PREFIX = 'clcr_';
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

function checksumOf(prefix: string, secret: string): string {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(crc32(prefix + secret));
  return bytes.toString('base64url');
}

/** Prefix and checksum let a leak scanner find a token in a text without asking the server. */
const tokenOf = (prefix: string, secret: string): string => prefix + secret + checksumOf(prefix, secret);

/** Whether a text has the form and the checksum of such a token; anything else needs no look into the database. */
function isToken(prefix: string, value: string): boolean {
  if (!value.startsWith(prefix)) return false;
  if (value.length !== prefix.length + SECRET_LENGTH + CHECKSUM_LENGTH) return false;
  return value.endsWith(checksumOf(prefix, value.slice(prefix.length, -CHECKSUM_LENGTH)));
}

/** A new API token, and the part by which it is recognised. */
export function newApiToken(): { value: string; prefix: string } {
  const value = tokenOf(API_TOKEN_PREFIX, newSecret());
  return { value, prefix: value.slice(0, SHOWN_LENGTH) };
}
export const isApiToken = (value: string): boolean => isToken(API_TOKEN_PREFIX, value);

export const newAccessToken = (): string => tokenOf(ACCESS_TOKEN_PREFIX, newSecret());
export const isAccessToken = (value: string): boolean => isToken(ACCESS_TOKEN_PREFIX, value);

export const newRefreshToken = (): string => tokenOf(REFRESH_TOKEN_PREFIX, newSecret());
export const isRefreshToken = (value: string): boolean => isToken(REFRESH_TOKEN_PREFIX, value);

/** The refresh token that follows on one. Only who holds that one and the salt can tell it, so it need not be kept to be given again. */
export const successorOf = (refreshToken: string, salt: Buffer): string =>
  tokenOf(REFRESH_TOKEN_PREFIX, createHmac('sha256', refreshToken).update(salt).digest('base64url'));
