/**
 * The nodes of an environment whose nodes an orchestrator runs, as this process knows them. Every replica keeps its own from the index:
 * the leader after each change that it writes, the others by the index's revision.
 */
import { sql } from 'kysely';
import type { Database } from '#server/db/database.ts';
import {
  expectedNodes,
  mayRun,
  type KnownPlatform,
  type KnownService,
  type KnownTask,
} from './expected-nodes-rules.ts';
import { OrchestratorError, type Orchestrator } from './orchestrator.ts';
import type { EnvironmentSettings, NodeDirectory, NodeSettings } from './scale-settings.ts';

interface NodeDirectoryOptions {
  db: Database;
  environment: string;
  configured: readonly NodeSettings[];
  orchestrator: Pick<Orchestrator, 'name' | 'tasks'>;
}

/** The settings of an environment whose nodes an orchestrator runs, beside those that are configured. */
export function withOrchestrator(
  settings: Omit<EnvironmentSettings, 'nodes' | 'orchestrator' | 'directory'>,
  {
    db,
    configured,
    orchestrator,
  }: { db: Database; configured: readonly NodeSettings[]; orchestrator: Orchestrator },
): EnvironmentSettings {
  const directory = createNodeDirectory({ db, environment: settings.environment, configured, orchestrator });
  return {
    ...settings,
    orchestrator,
    directory,
    get nodes() {
      return directory.nodes;
    },
  };
}

function createNodeDirectory(options: NodeDirectoryOptions): NodeDirectory {
  const { db, environment, configured, orchestrator } = options;
  const unread = `the ${orchestrator.name} of ${environment} has not been read yet, so nobody knows which nodes there are`;
  let known: KnownPlatform = { environment, configured, unread, services: [], tasks: [] };
  let nodes = expectedNodes(known);
  let seenRevision: number | null = null;
  let reading: Promise<void> | null = null;

  async function read(): Promise<void> {
    const revision = await readRevision(db, environment);
    // A picture that was once whole is better than none: while the orchestrator is away the last list stands.
    if (revision === null || revision === seenRevision) return;
    const [services, tasks] = await Promise.all([readServices(db, environment), readTasks(db, environment)]);
    known = { environment, configured, unread: null, services, tasks };
    nodes = expectedNodes(known);
    seenRevision = revision;
  }

  return {
    get nodes() {
      return nodes;
    },
    get strangers() {
      return strangersOf(known);
    },
    refresh: async (always = false) => {
      // What began before the call may have read before the change.
      if (always) await reading?.catch(() => undefined);
      reading ??= read().finally(() => {
        reading = null;
      });
      await reading;
    },
    missing: async (kinds) => {
      if (known.unread !== null) return known.unread;
      const ids = new Set(known.tasks.map(({ task_id }) => task_id));
      try {
        for (const { service_id, name, kind } of known.services) {
          if (!kinds.includes(kind)) continue;
          const fresh = await orchestrator.tasks(service_id);
          const task = fresh.find(({ task_id, state }) => mayRun(state) && !ids.has(task_id));
          if (task)
            return `task ${task.task_id} of ${name} has just been started and is not in the list of nodes yet`;
        }
        return null;
      } catch (error) {
        if (!(error instanceof OrchestratorError)) throw error;
        return `nobody knows whether there are other nodes: ${error.message}`;
      }
    },
  };
}

function strangersOf({ environment, services, tasks }: KnownPlatform): NodeSettings[] {
  const kinds = new Map(services.map(({ service_id, kind }) => [service_id, kind]));
  return tasks.flatMap(({ task_id, service_id, host_id, node_id, state, url }) => {
    const kind = kinds.get(service_id);
    if (kind === undefined || node_id !== null || url === null || !mayRun(state)) return [];
    return [{ node_id: task_id, kind, environment, url, labels: {}, task: { task_id, service_id, host_id } }];
  });
}

async function readRevision(db: Database, environment: string): Promise<number | null> {
  const { rows } = await sql<{ revision: number | null }>`select revision from orchestrator_watch
    where environment = ${environment}`.execute(db);
  return rows[0]?.revision ?? null;
}

async function readServices(db: Database, environment: string): Promise<KnownService[]> {
  const { rows } = await sql<KnownService>`select service_id, name, kind, replicas_desired from service_index
    where environment = ${environment} and kind is not null order by name`.execute(db);
  return rows;
}

async function readTasks(db: Database, environment: string): Promise<KnownTask[]> {
  const { rows } =
    await sql<KnownTask>`select task_id, service_id, slot, task.host_id, host.region, node_id, task.state, wanted, url, message, created_at
    from task_index task left join host_index host on host.environment = task.environment and host.host_id = task.host_id
    where task.environment = ${environment} and kind is not null`.execute(db);
  return rows;
}
