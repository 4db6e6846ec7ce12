import { setTimeout as pause } from 'node:timers/promises';
import { OrchestratorError } from '#server/scale/orchestrator.ts';
import type { SwarmEngine } from './swarm-engine.ts';

/** Events come in bursts. */
const BURST_MS = 100;

/** Ids of what has changed, as far as events tell. */
export interface Hints {
  nodes: Set<string>;
  services: Set<string>;
}

/** Collects what the engine's events name, until the next round takes it. */
export async function listen(engine: SwarmEngine, signal: AbortSignal) {
  const stream = await engine.events(signal);
  let hints: Hints = { nodes: new Set(), services: new Set() };
  let broken: Error | undefined;
  let wake: () => void = () => undefined;
  void (async () => {
    try {
      for await (const { Type, Actor } of readEvents(stream)) {
        (Type === 'node' ? hints.nodes : hints.services).add(Actor.ID);
        wake();
      }
      broken = new OrchestratorError('unavailable', 'Docker ended its stream of events.');
    } catch (error) {
      broken = engine.translate(error);
    }
    wake();
  })();
  signal.addEventListener('abort', () => wake(), { once: true });
  return {
    take: (): Hints => {
      const taken = hints;
      hints = { nodes: new Set(), services: new Set() };
      return taken;
    },
    /** Resolves when something is named, or after `limitMs`. Rejects when the events ended. */
    next: async (limitMs: number): Promise<void> => {
      const { promise, resolve } = Promise.withResolvers<void>();
      wake = resolve;
      const timer = setTimeout(resolve, limitMs);
      if (hints.nodes.size + hints.services.size > 0 || broken !== undefined || signal.aborted) resolve();
      await promise;
      clearTimeout(timer);
      if (broken !== undefined && !signal.aborted) throw broken;
      if (hints.nodes.size + hints.services.size > 0) await pause(BURST_MS);
    },
  };
}

interface EngineEvent {
  Type: string;
  Actor: { ID: string };
}

async function* readEvents(stream: NodeJS.ReadableStream): AsyncGenerator<EngineEvent> {
  let rest = '';
  for await (const chunk of stream.setEncoding('utf8')) {
    const lines = (rest + String(chunk)).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) if (line.trim() !== '') yield JSON.parse(line) as EngineEvent;
  }
}
