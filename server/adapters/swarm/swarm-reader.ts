import type { OrchestratorTask } from '#server/scale/orchestrator.ts';
import type { EngineNode, EngineService, EngineTask, TaskTemplate } from './engine-objects.ts';
import { createSealKey, createSpecSeal, SEAL_KEY_CONFIG, type SpecSeal } from './spec-seal.ts';
import type { SwarmEngine } from './swarm-engine.ts';
import { addressOf, ENVIRONMENT_LABEL, portOf, taskDigest, toTask } from './swarm-objects.ts';

/** Ids begin with any of these, evenly; a filter by prefix is the only way to read a list in pages. */
const ID_DIGITS = '0123456789abcdefghijklmnopqrstuvwxyz'.split('');
/** Half of what the engine's parts say to each other in one answer at most. A page costs it more than a whole list does. */
const PAGE_BYTES = 8 * 1024 ** 2;
/** What a task says besides its specification, with room to spare. */
const TASK_BYTES = 2_000;
/** Ended tasks that the engine keeps for each replica, unless told otherwise. */
const ENDED_KEPT = 5;

/** The prefixes of ids in `pages` groups, which together are all. */
export function idPages(pages: number): string[][] {
  const count = Math.min(Math.max(1, Math.ceil(pages)), ID_DIGITS.length);
  return Array.from({ length: count }, (_, page) =>
    ID_DIGITS.filter((_digit, index) => index % count === page),
  );
}

/** Reads one environment's part of a Swarm, narrowly. */
export class SwarmReader {
  readonly #engine: SwarmEngine;
  readonly #environment: string;
  readonly #addresses = new Map<string, string | null>();
  #seal: Promise<SpecSeal> | null = null;

  constructor(engine: SwarmEngine, environment: string) {
    this.#engine = engine;
    this.#environment = environment;
  }

  /** Shared by every control plane of this Swarm; made by the first. */
  seal(): Promise<SpecSeal> {
    this.#seal ??= this.#engine
      .config(SEAL_KEY_CONFIG, createSealKey)
      .then(createSpecSeal)
      .catch((error: unknown) => {
        this.#seal = null;
        throw error;
      });
    return this.#seal;
  }

  /** The nodes whose ids begin with one of these. */
  async nodes(prefixes: string[]): Promise<EngineNode[]> {
    const nodes = await this.#engine.nodes({ id: prefixes });
    for (const node of nodes) this.#addresses.set(node.ID, addressOf(node));
    return nodes;
  }

  async node(id: string): Promise<EngineNode | null> {
    const node = await this.#engine.node(id);
    if (node) this.#addresses.set(id, addressOf(node));
    return node;
  }

  /** Those of the environment; only these ids, when given. */
  services(ids?: string[]): Promise<EngineService[]> {
    return this.#engine.services({
      label: [`${ENVIRONMENT_LABEL}=${this.#environment}`],
      ...(ids && { id: ids }),
    });
  }

  async service(id: string): Promise<EngineService | null> {
    return (await this.services([id])).find(({ ID }) => ID === id) ?? null;
  }

  /** The tasks of a service of this environment; without those that ended, when only the wanted are asked for. */
  async tasks(service: EngineService, which: 'all' | 'wanted'): Promise<OrchestratorTask[]> {
    const wanted = service.ServiceStatus?.DesiredTasks ?? 0;
    const bytes = JSON.stringify(service.Spec.TaskTemplate).length + TASK_BYTES;
    const pages = ((which === 'all' ? wanted * (1 + ENDED_KEPT) : wanted) * bytes) / PAGE_BYTES;
    const filters = {
      service: [service.ID],
      ...(which === 'wanted' && { 'desired-state': ['running', 'ready', 'accepted'] }),
    };
    const found: EngineTask[] = [];
    if (pages <= 1) found.push(...(await this.#engine.tasks(filters)));
    else for (const id of idPages(pages)) found.push(...(await this.#engine.tasks({ ...filters, id })));
    const digestOf = remembering(await this.seal());
    const port = portOf(service);
    const tasks: OrchestratorTask[] = [];
    for (const task of found) tasks.push(toTask(task, port, await this.#addressOf(task.NodeID), digestOf));
    return tasks;
  }

  async #addressOf(node_id: string | undefined): Promise<string | null> {
    if (!node_id) return null;
    if (!this.#addresses.has(node_id)) await this.node(node_id);
    return this.#addresses.get(node_id) ?? null;
  }
}

/** Tasks of a service have one specification, or a few. */
function remembering(seal: SpecSeal): (template: TaskTemplate) => string {
  const known = new Map<string, string>();
  return (template) => {
    const text = JSON.stringify(template);
    const digest = known.get(text) ?? taskDigest(template, seal);
    known.set(text, digest);
    return digest;
  };
}
