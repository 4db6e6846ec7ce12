/**
 * Keeps secrets that have to be read again (TOTP keys) unreadable to who has the database alone: AES-256-GCM under keys that are
 * configured, not stored (ADR 0033). A sealed value names its key, so that a new key can be put in front of an old one.
 */
import { createCipheriv, createDecipheriv, hash, randomBytes } from 'node:crypto';

const ALGORITHM = 'aes-256-gcm';
const FORMAT = 1;
const KEY_BYTES = 32;
const KEY_ID_BYTES = 4;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const HEAD_BYTES = 1 + KEY_ID_BYTES;
const BODY_START = HEAD_BYTES + NONCE_BYTES + TAG_BYTES;

export interface SecretBox {
  /** `owner` is bound to the value: sealed for one user, it does not open for another. */
  seal(value: Uint8Array, owner: string): Buffer;
  /** Throws when it was sealed for another owner, under an unknown key, or was changed. */
  open(sealed: Uint8Array, owner: string): Buffer;
}

/** Keys of 32 bytes each, base64, separated by commas: the first one seals, all of them open. Throws a sentence that shows no key. */
export function readSecretKeys(text: string): Buffer[] {
  const keys = text.split(',').map((key) => Buffer.from(key.trim(), 'base64'));
  const unfit = keys.findIndex((key) => key.length !== KEY_BYTES);
  if (unfit >= 0)
    throw new Error(
      `key ${unfit + 1} is not ${KEY_BYTES} bytes in base64 (openssl rand -base64 ${KEY_BYTES})`,
    );
  return keys;
}

export function createSecretBox(keys: readonly Buffer[]): SecretBox {
  const known = keys.map((key) => ({ key, id: hash('sha256', key, 'buffer').subarray(0, KEY_ID_BYTES) }));
  const [current] = known;
  if (!current) throw new Error('A secret box needs a key.');
  return {
    seal(value, owner) {
      const nonce = randomBytes(NONCE_BYTES);
      const cipher = createCipheriv(ALGORITHM, current.key, nonce).setAAD(Buffer.from(owner));
      const body = Buffer.concat([cipher.update(value), cipher.final()]);
      return Buffer.concat([Buffer.of(FORMAT), current.id, nonce, cipher.getAuthTag(), body]);
    },
    open(sealed, owner) {
      const bytes = Buffer.from(sealed);
      const id = bytes.subarray(1, HEAD_BYTES);
      const found = bytes[0] === FORMAT ? known.find((candidate) => candidate.id.equals(id)) : undefined;
      if (!found) throw new Error('A sealed value names a key that is not configured.');
      const decipher = createDecipheriv(
        ALGORITHM,
        found.key,
        bytes.subarray(HEAD_BYTES, HEAD_BYTES + NONCE_BYTES),
        {
          authTagLength: TAG_BYTES,
        },
      )
        .setAAD(Buffer.from(owner))
        .setAuthTag(bytes.subarray(HEAD_BYTES + NONCE_BYTES, BODY_START));
      return Buffer.concat([decipher.update(bytes.subarray(BODY_START)), decipher.final()]);
    },
  };
}
