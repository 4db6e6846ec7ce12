import {
  OrchestratorConflictError,
  OrchestratorError,
  type Orchestrator,
  type OrchestratorEvent,
  type OrchestratorHost,
  type OrchestratorService,
  type OrchestratorTask,
} from '#server/scale/orchestrator.ts';

/** How long one call may take, and how long a watch may say nothing: the simulated platform says something twice a second. */
const CALL_LIMIT_MS = 5_000;
const SILENCE_LIMIT_MS = 5_000;

export type SimulatedOrchestratorOptions = {
  /** Control endpoint of the simulated platform, an origin. */
  url: string;
  token: string;
  environment: string;
};

/** The Orchestrator port over the control endpoint of the simulated platform (`fleet/README.md`). */
export function openSimulatedOrchestrator(options: SimulatedOrchestratorOptions): Orchestrator {
  const closing = new AbortController();
  const headers = { authorization: `Bearer ${options.token}` };
  const addressOf = (path: string) => new URL(`/orchestrators/${options.environment}${path}`, options.url);
  const unavailable = (cause: unknown): OrchestratorError =>
    closing.signal.aborted
      ? new OrchestratorError('closed', 'the orchestrator was closed')
      : new OrchestratorError(
          'unavailable',
          `the simulated orchestrator of ${options.environment} does not answer: ${reasonOf(cause)}`,
          { cause },
        );

  async function call<T>(path: string, body?: object): Promise<T> {
    if (closing.signal.aborted) throw unavailable(null);
    let status: number;
    let answer: unknown;
    try {
      const response = await fetch(addressOf(path), {
        method: body === undefined ? 'GET' : 'POST',
        headers: body === undefined ? headers : { ...headers, 'content-type': 'application/json' },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        signal: AbortSignal.any([closing.signal, AbortSignal.timeout(CALL_LIMIT_MS)]),
      });
      status = response.status;
      answer = await response.json();
    } catch (cause) {
      throw unavailable(cause);
    }
    if (status === 200) return answer as T;
    const { code, detail } = answer as { code?: string; detail?: string };
    if (status === 409) throw new OrchestratorConflictError(path.slice(path.lastIndexOf('/') + 1));
    const known = code === 'not_found' || code === 'refused' ? code : 'unavailable';
    throw new OrchestratorError(known, detail ?? `the simulated orchestrator answers ${status}`);
  }

  const orNone = async <T, N>(answer: Promise<T>, none: N): Promise<T | N> =>
    answer.catch((error: unknown) => {
      if (error instanceof OrchestratorError && error.code === 'not_found') return none;
      throw error;
    });
  const path = (kind: string, id: string): string => `/${kind}/${encodeURIComponent(id)}`;

  return {
    name: 'simulated orchestrator',
    // It always ends the task in the highest slot.
    endsHighestSlot: true,
    watch: (signal) =>
      watchLines(addressOf('/watch'), headers, { signal, closing: closing.signal, unavailable }),
    host: (host_id) => orNone(call<OrchestratorHost>(path('hosts', host_id)), null),
    service: (service_id) => orNone(call<OrchestratorService>(path('services', service_id)), null),
    tasks: async (service_id) =>
      (
        await orNone(call<{ items: OrchestratorTask[] }>(`${path('services', service_id)}/tasks`), {
          items: [],
        })
      ).items,
    updateService: (service_id, expected_version, change) =>
      call(path('services', service_id), { expected_version, change }),
    setAvailability: (host_id, expected_version, availability) =>
      call(path('hosts', host_id), { expected_version, availability }),
    close: async () => closing.abort(),
  };
}

/** One event a line, until the signal aborts. Throws OrchestratorError when the stream ends otherwise. */
async function* watchLines(
  url: URL,
  headers: Record<string, string>,
  {
    signal,
    closing,
    unavailable,
  }: { signal: AbortSignal; closing: AbortSignal; unavailable: (cause: unknown) => OrchestratorError },
): AsyncGenerator<OrchestratorEvent> {
  const silence = new AbortController();
  const overdue = setTimeout(() => silence.abort(new Error('it says nothing')), SILENCE_LIMIT_MS);
  try {
    const stop = AbortSignal.any([signal, closing, silence.signal]);
    const response = await fetch(url, { headers, signal: stop });
    if (!response.ok || response.body === null) throw new Error(`it answers ${response.status}`);
    let rest = '';
    for await (const chunk of response.body.pipeThrough(new TextDecoderStream())) {
      overdue.refresh();
      const lines = (rest + chunk).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) yield JSON.parse(line) as OrchestratorEvent;
    }
    throw new Error('it ended the watch');
  } catch (cause) {
    if (!signal.aborted) throw unavailable(cause);
  } finally {
    clearTimeout(overdue);
  }
}

/** Fetch hides the reason in a chain of causes; the innermost says what happened. */
function reasonOf(error: unknown): string {
  let innermost = error;
  while (innermost instanceof Error && innermost.cause !== undefined) innermost = innermost.cause;
  return innermost instanceof Error ? innermost.message || innermost.name : String(innermost);
}
