/**
 * Specifications of services may hold secrets: environment variables, arguments, options of volumes. What leaves the adapter is sealed
 * (AES-256-GCM, bound to its service) or a keyed digest (HMAC-SHA-256), with a key that stays in the Swarm's own store, where the
 * specifications themselves are. So neither our database nor a backup of it tells them.
 */
import { createCipheriv, createDecipheriv, createHmac, hkdfSync, randomBytes } from 'node:crypto';
import canonicalize from 'canonicalize';

/** Name of the Swarm config that holds the key. */
export const SEAL_KEY_CONFIG = 'cloudlysis-control-spec-key';

const VERSION = 'v1.';
const IV_BYTES = 12;
const TAG_BYTES = 16;

export interface SpecSeal {
  /** Equal for equal data, whatever the order of its keys. */
  digest(data: unknown): string;
  seal(data: unknown, service_id: string): string;
  /** Throws when it was not sealed with this key for this service. */
  open(sealed: string, service_id: string): unknown;
}

export const createSealKey = (): Buffer => randomBytes(32);

export function createSpecSeal(key: Buffer): SpecSeal {
  const derive = (purpose: string) => Buffer.from(hkdfSync('sha256', key, '', purpose, 32));
  const sealKey = derive('seal');
  const digestKey = derive('digest');
  return {
    digest: (data) =>
      createHmac('sha256', digestKey)
        .update(canonicalize(data) ?? '')
        .digest('base64url'),
    seal: (data, service_id) => {
      const iv = randomBytes(IV_BYTES);
      const cipher = createCipheriv('aes-256-gcm', sealKey, iv).setAAD(Buffer.from(service_id));
      const text = Buffer.concat([cipher.update(JSON.stringify(data), 'utf8'), cipher.final()]);
      return `${VERSION}${Buffer.concat([iv, cipher.getAuthTag(), text]).toString('base64url')}`;
    },
    open: (sealed, service_id) => {
      if (!sealed.startsWith(VERSION)) throw new Error('not a sealed specification');
      const bytes = Buffer.from(sealed.slice(VERSION.length), 'base64url');
      const decipher = createDecipheriv('aes-256-gcm', sealKey, bytes.subarray(0, IV_BYTES))
        .setAAD(Buffer.from(service_id))
        .setAuthTag(bytes.subarray(IV_BYTES, IV_BYTES + TAG_BYTES));
      const text = Buffer.concat([decipher.update(bytes.subarray(IV_BYTES + TAG_BYTES)), decipher.final()]);
      return JSON.parse(text.toString('utf8'));
    },
  };
}
