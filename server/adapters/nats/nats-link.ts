/**
 * One connection to a NATS cluster that is never given up: it connects in the background and again after every loss.
 *
 * Nothing is sent while it is down. The client would keep what is published and send it after the next reconnect, long after the caller
 * was told that it failed.
 */
import { readFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import {
  connect,
  credsAuthenticator,
  nkeyAuthenticator,
  usernamePasswordAuthenticator,
  type Authenticator,
  type NatsConnection,
  type NodeConnectionOptions,
} from '@nats-io/transport-node';

export type NatsCredentials =
  | { kind: 'creds_file'; path: string }
  | { kind: 'nkey_file'; path: string }
  | { kind: 'password'; user: string; password: () => string };

export interface NatsSettings {
  /** `nats://host:port` or `tls://host:port`, any of the cluster. */
  servers: readonly string[];
  /** PEM files; they are read again at each connect, so that a renewed certificate is taken up. */
  tls?: { ca_file?: string; cert_file?: string; key_file?: string };
  /** Files are read, and the password is asked for, again at each connect. */
  credentials?: NatsCredentials;
  /** How this client is named in the server's own lists. */
  name: string;
}

/** The connection cannot be used now; the message says why. */
export class NatsLinkError extends Error {
  /** True when it was closed by us and will not come back. */
  readonly closed: boolean;
  constructor(message: string, closed: boolean, options?: ErrorOptions) {
    super(message, options);
    this.closed = closed;
  }
}

export interface NatsLink {
  /** The servers as configured, for messages; without credentials. */
  address: string;
  /** The connection once it stands; waits a moment for one that is just coming back. Rejects with NatsLinkError. */
  connection(): Promise<NatsConnection>;
  isUp(): boolean;
  close(): Promise<void>;
}

const DIAL_LIMIT_MS = 3_000;
const WAIT_FOR_CONNECTION_MS = 2_500;
const FIRST_RETRY_MS = 100;
const LAST_RETRY_MS = 2_000;
/** A connection whose server answers no ping for two of these is dead, whatever its socket says. */
const PING_MS = 2_000;

export function openNatsLink(settings: NatsSettings): NatsLink {
  const address = settings.servers.map(withoutCredentials).join(', ');
  const closing = new AbortController();
  let usable: NatsConnection | null = null;
  let everything: NatsConnection | null = null;
  let reason = 'it has not connected yet';
  const waiting: (() => void)[] = [];

  const wake = () => {
    for (const resolve of waiting.splice(0)) resolve();
  };

  async function follow(connection: NatsConnection): Promise<void> {
    for await (const status of connection.status()) {
      if (status.type === 'disconnect' || status.type === 'staleConnection') {
        usable = null;
        reason = 'the connection was lost';
      } else if (status.type === 'error') {
        reason = status.error.message;
      } else if (status.type === 'reconnect') {
        usable = connection;
        wake();
      }
    }
  }

  async function keep(): Promise<void> {
    let retryMs = FIRST_RETRY_MS;
    while (!closing.signal.aborted) {
      try {
        const connection = await connect(connectOptions(settings));
        everything = connection;
        if (closing.signal.aborted) break;
        usable = connection;
        retryMs = FIRST_RETRY_MS;
        wake();
        const ended = connection.closed();
        await follow(connection);
        reason = (await ended)?.message ?? 'the connection was closed';
      } catch (error) {
        reason = error instanceof Error ? error.message : String(error);
      }
      usable = null;
      await pause(retryMs, undefined, { signal: closing.signal }).catch(() => undefined);
      retryMs = Math.min(retryMs * 2, LAST_RETRY_MS);
    }
    await everything?.close();
    wake();
  }
  const running = keep();

  const down = () =>
    closing.signal.aborted
      ? new NatsLinkError(`the connection to NATS at ${address} was closed`, true)
      : new NatsLinkError(`NATS at ${address} cannot be reached (${reason})`, false);

  return {
    address,
    isUp: () => usable !== null,
    connection: async () => {
      if (usable) return usable;
      if (closing.signal.aborted) throw down();
      await Promise.race([
        new Promise<void>((resolve) => waiting.push(resolve)),
        pause(WAIT_FOR_CONNECTION_MS, undefined, { ref: false }),
      ]);
      if (usable) return usable;
      throw down();
    },
    close: async () => {
      closing.abort();
      usable = null;
      await everything?.close();
      await running;
    },
  };
}

function connectOptions({ servers, tls, credentials, name }: NatsSettings): NodeConnectionOptions {
  return {
    servers: servers.map(withoutCredentials),
    name,
    timeout: DIAL_LIMIT_MS,
    maxReconnectAttempts: -1,
    reconnectTimeWait: 200,
    reconnectJitter: 100,
    reconnectJitterTLS: 100,
    pingInterval: PING_MS,
    maxPingOut: 2,
    // A rotated password or key comes into force by itself.
    ignoreAuthErrorAbort: true,
    noAsyncTraces: true,
    ...(tls
      ? {
          tls: {
            ...(tls.ca_file ? { caFile: tls.ca_file } : {}),
            ...(tls.cert_file ? { certFile: tls.cert_file } : {}),
            ...(tls.key_file ? { keyFile: tls.key_file } : {}),
          },
        }
      : {}),
    ...(credentials ? { authenticator: authenticatorOf(credentials) } : {}),
  };
}

function authenticatorOf(credentials: NatsCredentials): Authenticator {
  switch (credentials.kind) {
    case 'creds_file':
      return credsAuthenticator(() => readFileSync(credentials.path));
    case 'nkey_file':
      return nkeyAuthenticator(() => Buffer.from(readFileSync(credentials.path, 'utf8').trim()));
    case 'password':
      return usernamePasswordAuthenticator(credentials.user, credentials.password);
  }
}

/** What stands before an `@` is a secret and never shown. */
function withoutCredentials(server: string): string {
  return server.replace(/^([a-z]+:\/\/)?[^/@]*@/i, '$1');
}
