/** The key-value bucket of placements: made when missing, read through the leader of its stream. */
import {
  jetstreamManager,
  StorageType,
  type Consumer,
  type ConsumerConfig,
  type JetStreamClient,
  type JetStreamManager,
  type NextMsgRequest,
  type SeqMsgRequest,
  type StoredMsg,
  type StreamInfo,
} from '@nats-io/jetstream';
import { Kvm } from '@nats-io/kv';
import type { NatsConnection } from '@nats-io/transport-node';
import { decodePlacementRecord, placementKey } from '#contract/placement-record.ts';
import { PlacementStoreError, type PlacementChange } from '#server/scale/placement-store.ts';
import { jetStreamCode, JETSTREAM } from './nats-error.ts';
import type { NatsLink } from './nats-link.ts';

export interface BucketSettings {
  bucket: string;
  /** Copies in the cluster, 1 to 5. */
  replicas: number;
  /** Changes kept of each key, 1 to 64. */
  history: number;
  /** Bytes that the bucket may take; -1 for no limit but the account's. */
  max_bytes: number;
}

/** A moment of the stream, as its leader answers. */
export interface StreamMoment {
  /** Nanosecond time at which the stream was created: another one means another stream. */
  created: string;
  first: number;
  last: number;
  /** Keys that have any message, delete markers included. Falls only when somebody purges or deletes messages. */
  keys: number;
}

/** What a message of the bucket needs to be read as a change. */
interface BucketMessage {
  subject: string;
  seq: number;
  data: Uint8Array;
  operation: string;
}

const REQUEST_LIMIT_MS = 2_500;
const text = new TextDecoder();

export class NatsBucket {
  readonly stream: string;
  readonly what: string;
  readonly #link: NatsLink;
  readonly #prefix: string;
  /** How to make the bucket when it is missing. */
  readonly #wanted: BucketSettings | null;
  /** Connections on which the bucket was seen; a new connection object is rare (the client reconnects by itself). */
  #ready: { connection: NatsConnection; manager: JetStreamManager; client: JetStreamClient } | null = null;
  #opening: Promise<{ manager: JetStreamManager; client: JetStreamClient }> | null = null;
  #made = false;
  readonly #consumers = new Set<string>();

  constructor(link: NatsLink, bucket: string, wanted: BucketSettings | null) {
    this.#link = link;
    this.stream = `KV_${bucket}`;
    this.#prefix = `$KV.${bucket}.`;
    this.what = `placement bucket ${bucket} of NATS at ${link.address}`;
    this.#wanted = wanted;
  }

  /** JetStream on a standing connection; the bucket is made first, once, when it is missing. */
  async open(): Promise<{ manager: JetStreamManager; client: JetStreamClient }> {
    const connection = await this.#link.connection();
    if (this.#ready?.connection === connection) return this.#ready;
    this.#opening ??= this.#prepare(connection).finally(() => (this.#opening = null));
    return this.#opening;
  }

  async #prepare(connection: NatsConnection) {
    const manager = await jetstreamManager(connection, { checkAPI: false, timeout: REQUEST_LIMIT_MS });
    const client = manager.jetstream();
    // Only once in a life: a bucket that vanishes later was deleted, and an empty one in its place would hide that.
    if (this.#wanted && !this.#made) await this.#createMissing(manager, client, this.#wanted);
    this.#made = true;
    this.#ready = { connection, manager, client };
    return this.#ready;
  }

  async #createMissing(
    manager: JetStreamManager,
    client: JetStreamClient,
    { bucket, replicas, history, max_bytes }: BucketSettings,
  ): Promise<void> {
    try {
      await manager.streams.info(this.stream);
    } catch (error) {
      if (jetStreamCode(error) !== JETSTREAM.stream_not_found) throw error;
      await new Kvm(client).create(bucket, {
        replicas,
        history,
        max_bytes,
        storage: StorageType.File,
        description: 'Which shard serves a tenant; written by the control plane',
      });
    }
  }

  /** Refuses a bucket that is not there, so that one can tell at start. */
  async info(): Promise<StreamInfo> {
    const { manager } = await this.open();
    return manager.streams.info(this.stream);
  }

  async moment(): Promise<StreamMoment> {
    const { created, state } = await this.info();
    return {
      created,
      first: state.first_seq,
      last: state.last_seq,
      keys: state.num_subjects ?? 0,
    };
  }

  /** The message at a revision, or null when it is not kept (any more). */
  async messageAt(revision: number): Promise<StoredMsg | null> {
    const { manager } = await this.open();
    return manager.streams.getMessage(this.stream, { seq: revision });
  }

  /** The newest message of a key, read where writes are decided: a direct get of a replica may answer an older one. */
  async newestOf(key: string): Promise<StoredMsg | null> {
    const { manager } = await this.open();
    return manager.streams.getMessage(this.stream, { last_by_subj: this.subjectOf(key) });
  }

  /** The first kept message of a key at or after a revision. */
  async nextOf(key: string, revision: number): Promise<StoredMsg | null> {
    const { manager } = await this.open();
    const request: NextMsgRequest = { seq: revision, next_by_subj: this.subjectOf(key) };
    // The client's types know this request for direct gets alone; the leader answers it too.
    return manager.streams.getMessage(this.stream, request as unknown as SeqMsgRequest);
  }

  /** A consumer that `releaseConsumer` removes again. */
  async addConsumer(config: ConsumerConfig): Promise<Consumer> {
    const { manager, client } = await this.open();
    const info = await manager.consumers.add(this.stream, config);
    this.#consumers.add(info.name);
    return client.consumers.getConsumerFromInfo(info);
  }

  /** The server removes a forgotten consumer by itself, after a while; so a failure here matters to nobody. */
  async releaseConsumer(name: string): Promise<void> {
    if (!this.#consumers.delete(name) || !this.#link.isUp()) return;
    await this.#ready?.manager.consumers.delete(this.stream, name).catch(() => undefined);
  }

  async releaseAll(): Promise<void> {
    await Promise.all([...this.#consumers].map((name) => this.releaseConsumer(name)));
  }

  subjectOf(key: string): string {
    return this.#prefix + key;
  }

  keyOf(subject: string): string {
    return subject.slice(this.#prefix.length);
  }

  /** A message as the change that it stands for. Throws PlacementStoreError `corrupt` for what no placement is. */
  changeOf({ subject, seq, data, operation }: BucketMessage): PlacementChange {
    const key = this.keyOf(subject);
    if (operation !== '') return { revision: seq, key, record: null };
    try {
      const record = decodePlacementRecord(text.decode(data));
      if (placementKey(record.service, record.tenant_id) === key) return { revision: seq, key, record };
    } catch (cause) {
      throw this.#corrupt(`holds a broken record under ${key} at revision ${seq} (${String(cause)})`, cause);
    }
    throw this.#corrupt(`holds the record of another key under ${key} at revision ${seq}`);
  }

  changeOfStored(message: StoredMsg): PlacementChange {
    const { subject, seq, data, header } = message;
    return this.changeOf({ subject, seq, data, operation: operationOf(header) });
  }

  #corrupt(problem: string, cause?: unknown): PlacementStoreError {
    return new PlacementStoreError('corrupt', `${this.what} ${problem}; write or delete that key anew`, {
      cause,
    });
  }
}

/** `DEL` or `PURGE` for a marker that the key is gone, `''` for a value. */
export function operationOf(headers: { get(name: string): string } | undefined): string {
  return headers === undefined ? '' : headers.get('KV-Operation') || headers.get('Nats-Marker-Reason');
}
