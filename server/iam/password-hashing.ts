/**
 * Passwords by argon2id, kept as PHC strings. At most two are computed at a time and a bounded number waits, so that a storm of
 * sign-ins takes neither the memory (19 MiB each) nor the thread pool (four threads, shared with files and DNS).
 */
import { argon2, randomBytes, timingSafeEqual } from 'node:crypto';
import { promisify } from 'node:util';
import { ControlError } from '#server/http/control-error.ts';

const derive = promisify(argon2);

/** OWASP Password Storage Cheat Sheet: m = 19 MiB, t = 2, p = 1. */
const PARAMETERS = { memory: 19_456, passes: 2, parallelism: 1 };
const SALT_BYTES = 16;
const HASH_BYTES = 32;
const MAX_RUNNING = 2;
/** About six seconds of work on a slow core; whoever comes later is asked to come back. */
const MAX_WAITING = 100;

interface Phc {
  parameters: typeof PARAMETERS;
  salt: Buffer;
  hash: Buffer;
}

const unpadded = (bytes: Buffer) => bytes.toString('base64').replace(/=+$/, '');

function formatPhc({ parameters: { memory, passes, parallelism }, salt, hash }: Phc): string {
  return `$argon2id$v=19$m=${memory},t=${passes},p=${parallelism}$${unpadded(salt)}$${unpadded(hash)}`;
}

function parsePhc(stored: string): Phc | null {
  const [, m, t, p, salt, hash] =
    /^\$argon2id\$v=19\$m=(\d+),t=(\d+),p=(\d+)\$([A-Za-z0-9+/]+)\$([A-Za-z0-9+/]+)$/.exec(stored) ?? [];
  if (salt === undefined || hash === undefined) return null;
  const parameters = { memory: Number(m), passes: Number(t), parallelism: Number(p) };
  return { parameters, salt: Buffer.from(salt, 'base64'), hash: Buffer.from(hash, 'base64') };
}

/** No password has this hash: verifying against it costs what a real one costs and never succeeds. */
const NOBODY: Phc = {
  parameters: PARAMETERS,
  salt: Buffer.alloc(SALT_BYTES),
  hash: Buffer.alloc(HASH_BYTES),
};

let running = 0;
const waiting: (() => void)[] = [];

async function inTurn<T>(work: () => Promise<T>): Promise<T> {
  if (running >= MAX_RUNNING) {
    if (waiting.length >= MAX_WAITING) {
      throw new ControlError(
        'unavailable',
        'Too many people are signing in at this moment; try again in 10 seconds.',
        {
          headers: { 'retry-after': '10' },
        },
      );
    }
    // Whoever finishes hands its place over, so `running` stays as it is.
    await new Promise<void>((resolve) => waiting.push(resolve));
  } else running++;
  try {
    return await work();
  } finally {
    const next = waiting.shift();
    if (next) next();
    else running--;
  }
}

const compute = (password: string, { parameters, salt, hash }: Phc): Promise<Buffer> =>
  inTurn(() => derive('argon2id', { message: password, nonce: salt, tagLength: hash.length, ...parameters }));

/** The PHC string to keep of a new password. */
export async function hashPassword(password: string): Promise<string> {
  const fresh: Phc = {
    parameters: PARAMETERS,
    salt: randomBytes(SALT_BYTES),
    hash: Buffer.alloc(HASH_BYTES),
  };
  return formatPhc({ ...fresh, hash: await compute(password, fresh) });
}

/**
 * Whether the password is the one that was kept. `outdated`: it was kept with other parameters than today's, so keep it anew.
 * Without a kept hash (nobody has this email, or no password yet) it works as long and answers no.
 */
export async function verifyPassword(
  password: string,
  stored: string | null,
): Promise<{ matches: boolean; outdated: boolean }> {
  const kept = (stored === null ? null : parsePhc(stored)) ?? NOBODY;
  const matches = timingSafeEqual(await compute(password, kept), kept.hash) && kept !== NOBODY;
  return { matches, outdated: formatPhc({ ...NOBODY, parameters: kept.parameters }) !== formatPhc(NOBODY) };
}
