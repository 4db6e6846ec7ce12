/**
 * The keys of one issuer, read from its JWKS (RFC 7517 5) and kept.
 *
 * - fresh: read within REFRESH_MS. Used as they are.
 * - known: older, but read within KEEP_MS. Used, while a reading is under way beside.
 * - none: never read, or longer ago. A token waits for a reading.
 *
 * Between two readings, whatever became of the first, lies COOL_DOWN_MS: tokens with invented key ids cannot have the issuer called
 * more often. A key that the issuer took away is forgotten with the next reading, at the latest after KEEP_MS.
 */
import { createLocalJWKSet, errors, type JSONWebKeySet } from 'jose';
import type { TokenIssuer } from '#contract/iam.ts';
import { isWeakKey } from './weak-keys.ts';

const REFRESH_MS = 10 * 60_000;
const KEEP_MS = 60 * 60_000;
const COOL_DOWN_MS = 10_000;
const TIMEOUT_MS = 5_000;
const MOST_BYTES = 256 * 1024;
const MOST_KEYS = 50;

type LocalKeys = ReturnType<typeof createLocalJWKSet>;
type KeyAsked = Parameters<LocalKeys>[0];

type JwksState = Pick<TokenIssuer, 'keys_state' | 'keys' | 'read_at' | 'keys_until' | 'last_failure'>;

interface Known {
  find: LocalKeys;
  keys: TokenIssuer['keys'];
  read_at: number;
}

/** Why the keys could not be read; the message is for operators. */
class JwksError extends Error {
  override readonly name = 'JwksError';
}

export function openJwksSource(url: string, now: () => number = Date.now) {
  let known: Known | null = null;
  let failure: TokenIssuer['last_failure'] = null;
  let tried_at = Number.NEGATIVE_INFINITY;
  let reading: Promise<void> | null = null;

  async function read(): Promise<void> {
    tried_at = now();
    try {
      const { keys } = await fetchJwks(url);
      const jwks = { keys: keys.filter((key) => !isWeakKey(key)) };
      const find = createLocalJWKSet(jwks);
      known = { find, keys: describe(jwks, known?.keys ?? [], now()), read_at: now() };
      failure = null;
    } catch (error) {
      failure = { at: new Date(now()).toISOString(), detail: detailOf(error) };
    }
  }

  /** Begins a reading, or joins the one under way; does nothing while cooling down. */
  const refresh = async (): Promise<void> => {
    if (reading === null && now() - tried_at >= COOL_DOWN_MS)
      reading = read().finally(() => {
        reading = null;
      });
    await reading;
  };

  const usable = (): Known | null => (known && now() - known.read_at < KEEP_MS ? known : null);

  return {
    /** The key for this header; throws a JOSEError where there is none. */
    async find(header: KeyAsked): ReturnType<LocalKeys> {
      if (usable() === null) await refresh();
      else if (now() - (known?.read_at ?? 0) >= REFRESH_MS) void refresh();
      const before = usable();
      if (before === null) throw new errors.JWKSNoMatchingKey('No keys of the issuer are known.');
      try {
        return await before.find(header);
      } catch (error) {
        if (!(error instanceof errors.JWKSNoMatchingKey)) throw error;
        await refresh();
        const after = usable();
        if (after === null || after === before) throw error;
        return after.find(header);
      }
    },
    state(): JwksState {
      const serving = usable();
      return {
        keys_state: serving ? (failure ? 'ageing' : 'current') : failure ? 'missing' : 'unread',
        keys: serving?.keys ?? [],
        read_at: known && new Date(known.read_at).toISOString(),
        keys_until: serving && new Date(serving.read_at + KEEP_MS).toISOString(),
        last_failure: failure,
      };
    },
  };
}

async function fetchJwks(url: string): Promise<JSONWebKeySet> {
  const response = await fetch(url, {
    headers: { accept: 'application/jwk-set+json, application/json' },
    // Followed, it would lead to a host that the configuration does not name.
    redirect: 'manual',
    signal: AbortSignal.timeout(TIMEOUT_MS),
  });
  if (response.status !== 200) {
    await response.body?.cancel();
    throw new JwksError(`answers ${response.status} instead of 200`);
  }
  const value = parse(await readBody(response));
  const keys = (value as { keys?: unknown } | null)?.keys;
  if (!Array.isArray(keys) || keys.length === 0 || keys.length > MOST_KEYS)
    throw new JwksError(`answers no set of 1 to ${MOST_KEYS} keys`);
  return value as JSONWebKeySet;
}

async function readBody(response: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of response.body ?? []) {
    size += chunk.byteLength;
    // Leaving the loop cancels the body.
    if (size > MOST_BYTES) throw new JwksError(`answers more than ${MOST_BYTES} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new JwksError('answers no JSON');
  }
}

function detailOf(error: unknown): string {
  if (error instanceof JwksError) return error.message;
  if (error instanceof errors.JOSEError) return 'answers a malformed set of keys';
  if (error instanceof Error && error.name === 'TimeoutError')
    return `brought no whole answer within ${TIMEOUT_MS} ms`;
  const code = (error as { cause?: { code?: unknown } }).cause?.code;
  return typeof code === 'string' ? `cannot be reached (${code})` : 'cannot be reached';
}

function describe(jwks: JSONWebKeySet, before: TokenIssuer['keys'], at: number): TokenIssuer['keys'] {
  return jwks.keys.map(({ kid, kty, alg }) => ({
    kid: typeof kid === 'string' ? kid : null,
    kty: typeof kty === 'string' ? kty : 'unknown',
    alg: typeof alg === 'string' ? alg : null,
    first_seen_at:
      before.find((key) => key.kid !== null && key.kid === kid)?.first_seen_at ?? new Date(at).toISOString(),
  }));
}
