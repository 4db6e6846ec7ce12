/** Asks a NATS server, now and then, how it is set up, and says what is unsafe about it. */
import { setTimeout as pause } from 'node:timers/promises';
import type { NatsConnection } from '@nats-io/transport-node';
import type { PlacementStoreDescription } from '#server/scale/placement-store.ts';
import type { BucketSettings, NatsBucket } from './nats-bucket.ts';
import type { NatsLink } from './nats-link.ts';
import { natsWarnings, type NatsFacts } from './nats-preflight-rules.ts';

export interface PreflightOptions {
  bucket: NatsBucket;
  link: NatsLink;
  wanted: BucketSettings;
  production: boolean;
  /** Monitoring endpoints of the servers, the one place that tells how writes come to disk. */
  monitoring_urls: readonly string[];
  signal: AbortSignal;
  onChange: (description: PlacementStoreDescription) => void;
}

const EVERY_MS = 60_000;
const RETRY_MS = 5_000;
const MONITORING_LIMIT_MS = 2_000;
const LAG_LIMIT_NS = 10_000_000_000;
const NS_PER_S = 1_000_000_000;

/** Runs until `signal` aborts; a server that does not answer is asked again, its description stays. */
export async function runPreflight(options: PreflightOptions): Promise<void> {
  const { signal, onChange, link, wanted, production } = options;
  let last = '';
  while (!signal.aborted) {
    let next = RETRY_MS;
    try {
      const facts = await readFacts(options);
      const description: PlacementStoreDescription = {
        kind: 'nats',
        address: link.address,
        version: facts.server_version,
        warnings: natsWarnings(facts, wanted, { production }),
      };
      const said = JSON.stringify(description);
      if (said !== last) onChange(description);
      last = said;
      next = EVERY_MS;
    } catch {
      // The watcher of the placements says that the server is out of reach.
    }
    await pause(next, undefined, { signal, ref: false }).catch(() => undefined);
  }
}

async function readFacts({ bucket, link, monitoring_urls }: PreflightOptions): Promise<NatsFacts> {
  const { manager } = await bucket.open();
  const connection = await link.connection();
  const [{ config, state, cluster }, account, sync] = await Promise.all([
    bucket.info(),
    manager.getAccountInfo(),
    readSync(monitoring_urls),
  ]);
  return {
    server_version: connection.info?.version ?? 'unknown',
    encrypted: connection.info?.tls_required === true,
    loopback: isLoopback(connection),
    asks_for_credentials: connection.info?.auth_required === true,
    account: { storage_used: account.storage, storage_limit: account.limits.max_storage },
    bucket: {
      replicas: config.num_replicas,
      history: config.max_msgs_per_subject,
      max_bytes: config.max_bytes,
      used_bytes: state.bytes,
      storage: config.storage,
      max_age: config.max_age,
      max_msgs: config.max_msgs,
      discard: config.discard,
      sealed: config.sealed,
      behind: (cluster?.replicas ?? [])
        .filter(({ current, offline, active }) => !current || offline || active > LAG_LIMIT_NS)
        .map(({ name }) => name),
    },
    sync,
  };
}

const isLoopback = (connection: NatsConnection) => /^(127\.|\[?::1|localhost)/.test(connection.getServer());

/** Null when no endpoint is known, or one does not answer: then nothing can be said of all. */
async function readSync(urls: readonly string[]): Promise<NatsFacts['sync']> {
  if (urls.length === 0) return null;
  try {
    return await Promise.all(
      urls.map(async (url) => {
        const response = await fetch(`${url}/varz`, {
          signal: AbortSignal.timeout(MONITORING_LIMIT_MS),
          redirect: 'error',
        });
        const { server_name, jetstream } = (await response.json()) as Varz;
        const { sync_interval = 0, sync_always = false } = jetstream?.config ?? {};
        return { server: server_name, always: sync_always, interval_s: sync_interval / NS_PER_S };
      }),
    );
  } catch {
    return null;
  }
}

/** The part of a server's own report that is read here; durations are nanoseconds. */
interface Varz {
  server_name: string;
  jetstream?: { config?: { sync_interval?: number; sync_always?: boolean } };
}
