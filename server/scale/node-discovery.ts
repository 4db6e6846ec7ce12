/** Asks the processes of new tasks which nodes they are, and writes that into the index. */
import { setTimeout as pause } from 'node:timers/promises';
import type { IndexConnection } from './leader-connection.ts';
import type { NodeAdmin } from './node-admin.ts';
import { answerOf } from './node-answer.ts';
import { writeNodeIds } from './orchestrator-index-store.ts';
import type { WatchLog } from './placement-watcher.ts';
import type { NodeDirectory, NodeSettings } from './scale-settings.ts';

interface DiscoveryOptions {
  environment: string;
  directory: Pick<NodeDirectory, 'strangers' | 'refresh'>;
  nodes: Pick<NodeAdmin, 'identify'>;
  index: IndexConnection;
  /** Stops the discovery. */
  signal: AbortSignal;
  log: WatchLog;
}

const LOOK_EVERY_MS = 100;
/** A task that did not say which node it is is asked again after this time. */
const ASK_AGAIN_MS = 1_000;
const AT_ONCE = 16;

/** Resolves when the signal aborts. */
export async function discoverNodes(options: DiscoveryOptions): Promise<void> {
  const { environment, directory, nodes, index, signal, log } = options;
  const askedAt = new Map<string, number>();

  async function identify(stranger: NodeSettings): Promise<{ task_id: string; node_id: string } | null> {
    const task_id = stranger.task?.task_id ?? '';
    const answer = await answerOf(nodes.identify(stranger, { signal }));
    if (!answer.ok) return null;
    const { node_id, kind } = answer.value;
    if (kind === stranger.kind && answer.value.environment === environment) return { task_id, node_id };
    const said = `${answer.value.environment} ${kind}`;
    log.warn({ environment, task_id, node_id, said }, 'a task is another node than its service says');
    return null;
  }

  while (!signal.aborted) {
    const { strangers } = directory;
    const now = performance.now();
    const due = strangers.filter(({ node_id }) => now - (askedAt.get(node_id) ?? -Infinity) >= ASK_AGAIN_MS);
    const asked = due.slice(0, AT_ONCE);
    for (const { node_id } of asked) askedAt.set(node_id, now);
    const found = (await Promise.all(asked.map(identify))).filter((each) => each !== null);
    if (found.length > 0) {
      try {
        await writeNodeIds(index, environment, found);
        await directory.refresh(true);
        for (const { task_id } of found) askedAt.delete(task_id);
      } catch (error) {
        if (!signal.aborted)
          log.warn({ environment, error: String(error) }, 'which nodes tasks are could not be written');
      }
    }
    if (strangers.length <= AT_ONCE) await pause(LOOK_EVERY_MS, undefined, { signal }).catch(() => undefined);
  }
}
