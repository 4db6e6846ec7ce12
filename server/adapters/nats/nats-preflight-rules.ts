/** Pure: what is unsafe about a server and its bucket as a store of placements, in sentences for an operator. */
import type { BucketSettings } from './nats-bucket.ts';

export interface NatsFacts {
  server_version: string;
  encrypted: boolean;
  loopback: boolean;
  asks_for_credentials: boolean;
  /** Bytes of the account, -1 for no limit. */
  account: { storage_used: number; storage_limit: number };
  bucket: {
    replicas: number;
    history: number;
    max_bytes: number;
    used_bytes: number;
    storage: 'file' | 'memory';
    /** Nanoseconds, 0 for ever. */
    max_age: number;
    max_msgs: number;
    discard: 'old' | 'new';
    sealed: boolean;
    /** Replicas beside the leader that lag or are away, by name. */
    behind: readonly string[];
  };
  /** How the servers bring writes to disk, by name; null where nobody may look. */
  sync: readonly { server: string; always: boolean; interval_s: number }[] | null;
}

const OLDEST = [2, 10] as const;
const FULL_RATIO = 0.8;

export function natsWarnings(
  facts: NatsFacts,
  wanted: BucketSettings,
  { production }: { production: boolean },
): string[] {
  return [
    ...versionWarnings(facts),
    ...bucketWarnings(facts.bucket, wanted),
    ...durabilityWarnings(facts),
    ...roomWarnings(facts, wanted),
    ...(production ? accessWarnings(facts) : []),
  ];
}

function versionWarnings({ server_version }: NatsFacts): string[] {
  const [major = 0, minor = 0] = server_version.split('.').map(Number);
  return major > OLDEST[0] || (major === OLDEST[0] && minor >= OLDEST[1])
    ? []
    : [`The server runs NATS ${server_version}; ${OLDEST.join('.')} or newer is needed.`];
}

function bucketWarnings(bucket: NatsFacts['bucket'], wanted: BucketSettings): string[] {
  const differs = (name: 'replicas' | 'history' | 'max_bytes') =>
    bucket[name] === wanted[name]
      ? []
      : [
          `Bucket ${wanted.bucket} has ${name} ${bucket[name]}, the configuration says ${wanted[name]}; change one of them.`,
        ];
  const loses = (setting: string) =>
    `Bucket ${wanted.bucket} drops placements by itself (${setting}): its tenants would be served by nobody.`;
  return [
    ...differs('replicas'),
    ...differs('history'),
    ...differs('max_bytes'),
    ...(bucket.max_age > 0 ? [loses('max_age')] : []),
    ...(bucket.discard === 'old' && (bucket.max_bytes > 0 || bucket.max_msgs > 0)
      ? [loses('discard old at its limit')]
      : []),
    ...(bucket.sealed ? [`Bucket ${wanted.bucket} is sealed: no placement can be changed.`] : []),
  ];
}

function durabilityWarnings({ bucket, sync }: NatsFacts): string[] {
  const warnings: string[] = [];
  if (bucket.storage === 'memory')
    warnings.push('The bucket is kept in memory: a restart loses every placement.');
  if (bucket.replicas === 1) {
    warnings.push('The bucket has one replica: with the disk of its server every placement is lost.');
  } else if (bucket.replicas % 2 === 0) {
    warnings.push(
      `The bucket has ${bucket.replicas} replicas, which bear no more failures than ${bucket.replicas - 1} do.`,
    );
  }
  for (const server of bucket.behind) warnings.push(`Replica ${server} of the bucket is behind or away.`);
  if (sync === null) {
    warnings.push(
      'How the servers bring writes to disk cannot be seen (name their monitoring_urls): with the default, a write that was acknowledged up to two minutes before a loss of power can be gone.',
    );
  }
  for (const { server, always, interval_s } of sync ?? []) {
    if (always) continue;
    warnings.push(
      `Server ${server} brings writes to disk every ${interval_s} s: acknowledged ones can be lost with its power. Set sync_interval: always.`,
    );
  }
  return warnings;
}

function roomWarnings({ bucket, account }: NatsFacts, { bucket: name }: BucketSettings): string[] {
  const isTight = (used: number, limit: number) => limit > 0 && used > limit * FULL_RATIO;
  const percent = (used: number, limit: number) => `${Math.floor((used / limit) * 100)} %`;
  return [
    ...(isTight(bucket.used_bytes, bucket.max_bytes)
      ? [
          `Bucket ${name} uses ${percent(bucket.used_bytes, bucket.max_bytes)} of its ${bucket.max_bytes} bytes.`,
        ]
      : []),
    ...(isTight(account.storage_used, account.storage_limit)
      ? [
          `The account uses ${percent(account.storage_used, account.storage_limit)} of its ${account.storage_limit} bytes in JetStream.`,
        ]
      : []),
  ];
}

function accessWarnings({ encrypted, loopback, asks_for_credentials }: NatsFacts): string[] {
  return [
    ...(encrypted || loopback ? [] : ['The connection is not encrypted.']),
    ...(asks_for_credentials
      ? []
      : ['The server asks for no credentials: whoever reaches it may move tenants.']),
  ];
}
