import { readFileSync } from 'node:fs';
import Docker from 'dockerode';
import {
  OrchestratorConflictError,
  OrchestratorError,
  type OrchestratorErrorCode,
} from '#server/scale/orchestrator.ts';
import type { EngineNode, EngineService, EngineTask, NodeSpec, ServiceSpec } from './engine-objects.ts';

/** Where a manager's engine answers: its socket on this machine, or its address with client certificates. */
export type SwarmAddress =
  | { socket_path: string }
  | { host: string; port: number; ca_file: string; cert_file: string; key_file: string };

type Filters = Record<string, string[]>;

const CALL_LIMIT_MS = 10_000;

/**
 * The calls that we make to a manager's engine. Every one has a time limit, ends when the engine is closed, and rejects with an error of
 * the port. Lists are always narrowed by a filter: the engine's own limit for the answer to one list is 16 MiB.
 */
export class SwarmEngine {
  readonly #docker: Docker;
  readonly #where: string;
  readonly #closing = new AbortController();

  readonly #callLimitMs: number;

  /** Throws when a certificate file cannot be read. */
  constructor(address: SwarmAddress, callLimitMs = CALL_LIMIT_MS) {
    this.#callLimitMs = callLimitMs;
    this.#where = 'socket_path' in address ? address.socket_path : `${address.host}:${address.port}`;
    this.#docker = new Docker(connectionOf(address));
  }

  nodes(filters: Filters): Promise<EngineNode[]> {
    return this.#list((abortSignal) => this.#docker.listNodes({ filters, abortSignal } as object));
  }

  async node(id: string): Promise<EngineNode | null> {
    try {
      return await this.#call<EngineNode>((abortSignal) => this.#docker.getNode(id).inspect({ abortSignal }));
    } catch (error) {
      if (error instanceof OrchestratorError && error.code === 'not_found') return null;
      throw error;
    }
  }

  /** With their counts of running and wanted tasks. */
  services(filters: Filters): Promise<EngineService[]> {
    return this.#list((abortSignal) =>
      this.#docker.listServices({ filters, status: true, abortSignal } as object),
    );
  }

  tasks(filters: Filters): Promise<EngineTask[]> {
    return this.#list((abortSignal) => this.#docker.listTasks({ filters, abortSignal }));
  }

  async updateService(id: string, version: number, spec: ServiceSpec): Promise<void> {
    await this.#change(id, (abortSignal) =>
      // Registry credentials stay those that the engine keeps with the service.
      this.#docker.getService(id).update({ _query: { version }, _body: spec, abortSignal }),
    );
  }

  async updateNode(id: string, version: number, spec: NodeSpec): Promise<void> {
    await this.#change(id, (abortSignal) =>
      this.#docker.getNode(id).update({ _query: { version }, _body: spec, abortSignal }),
    );
  }

  /** The data of a Swarm config of this name, made with `create` when there is none. */
  async config(name: string, create: () => Buffer): Promise<Buffer> {
    const found = await this.#configs(name);
    if (found !== null) return found;
    await this.#call((abortSignal) =>
      this.#docker.createConfig({
        Name: name,
        Labels: {},
        Data: create().toString('base64'),
        abortSignal,
      }),
    ).catch(async (error: unknown) => {
      // Another control plane was faster.
      if ((await this.#configs(name)) === null) throw error;
    });
    const made = await this.#configs(name);
    if (made === null)
      throw new OrchestratorError('unavailable', `Docker Swarm at ${this.#where} kept no config ${name}.`);
    return made;
  }

  async #configs(name: string): Promise<Buffer | null> {
    const configs = await this.#list<Docker.ConfigInfo>((abortSignal) =>
      this.#docker.listConfigs({ filters: { name: [name] }, abortSignal } as object),
    );
    const data = configs.find(({ Spec }) => Spec?.Name === name)?.Spec?.Data;
    return data === undefined ? null : Buffer.from(data, 'base64');
  }

  /** The engine's events of nodes and services, one JSON object a line, until `signal` aborts. */
  async events(signal: AbortSignal): Promise<NodeJS.ReadableStream> {
    const filters = { scope: ['swarm'], type: ['node', 'service'] };
    const ended = AbortSignal.any([signal, this.#closing.signal]);
    return this.#translated(this.#docker.getEvents({ filters, abortSignal: ended } as object));
  }

  /** Aborts when the engine is closed. */
  get closed(): AbortSignal {
    return this.#closing.signal;
  }

  /** What a broken connection means to a caller. */
  translate(error: unknown): Error {
    if (this.#closing.signal.aborted)
      return new OrchestratorError('closed', 'The connection to Docker was closed.');
    return translate(error, this.#where, this.#callLimitMs);
  }

  close(): void {
    this.#closing.abort();
  }

  async #change(id: string, send: (signal: AbortSignal) => Promise<unknown>): Promise<void> {
    await this.#call(send).catch((error: unknown) => {
      if (error instanceof Error && /update out of sequence/.test(error.message))
        throw new OrchestratorConflictError(id, { cause: error });
      throw error;
    });
  }

  /** docker-modem hands on what is no JSON as bytes: taken for a list it would say that there is nothing. */
  async #list<T>(send: (signal: AbortSignal) => Promise<unknown>): Promise<T[]> {
    const items = await this.#call(send);
    if (Array.isArray(items)) return items as T[];
    throw new OrchestratorError('unavailable', `Docker at ${this.#where} answered with no list.`);
  }

  async #call<T>(send: (signal: AbortSignal) => Promise<T>): Promise<T> {
    return this.#translated(
      send(AbortSignal.any([AbortSignal.timeout(this.#callLimitMs), this.#closing.signal])),
    );
  }

  async #translated<T>(work: Promise<T>): Promise<T> {
    try {
      return await work;
    } catch (error) {
      throw this.translate(error);
    }
  }
}

function connectionOf(address: SwarmAddress): Docker.DockerOptions {
  // docker-modem lets DOCKER_HOST win over a socket path unless it is told that there is no host.
  if ('socket_path' in address) return { socketPath: address.socket_path, host: undefined };
  const { host, port, ca_file, cert_file, key_file } = address;
  return {
    protocol: 'https',
    host,
    port,
    ca: readFileSync(ca_file),
    cert: readFileSync(cert_file),
    key: readFileSync(key_file),
  };
}

interface EngineFailure extends Error {
  statusCode?: number;
  code?: string;
  json?: { message?: string };
}

function translate(error: unknown, where: string, callLimitMs: number): Error {
  if (!(error instanceof Error)) return new Error(String(error));
  if (error instanceof OrchestratorError) return error;
  const failure: EngineFailure = error;
  const said = (failure.json?.message ?? failure.message)
    .replace(/^rpc error: code = \w+ desc = /, '')
    .trim();
  const made = (code: OrchestratorErrorCode, message: string) =>
    new OrchestratorError(code, message, { cause: new Error(said) });
  switch (failure.statusCode) {
    case undefined:
      return made('unavailable', `Docker at ${where} gives no answer: ${explain(failure, callLimitMs)}.`);
    case 404:
      return made('not_found', said);
    case 400:
    case 401:
    case 403:
    case 409:
      return made('refused', `Docker at ${where} refuses: ${said}`);
    case 503:
      return made('unavailable', `Docker at ${where} manages no swarm, or its swarm has no leader: ${said}`);
    default:
      return made('unavailable', `Docker at ${where} failed: ${said}`);
  }
}

function explain({ code, name, message }: EngineFailure, callLimitMs: number): string {
  if (name === 'TimeoutError' || name === 'AbortError') return `not within ${callLimitMs / 1000} s`;
  if (code === 'ENOENT') return 'there is no such socket; is the engine running?';
  if (code === 'ECONNREFUSED') return 'nobody listens; is the engine running?';
  if (code === 'EACCES') return 'this process may not use the socket; add its user to the group that owns it';
  return message;
}
