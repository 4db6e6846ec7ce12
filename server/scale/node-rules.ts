/** Pure: what the control plane makes of a node's answers. A node that answers late or wrongly never looks healthy. */
import type { NodeReady, NodeStatus } from '#contract/node.ts';
import type { Node } from '#contract/scale.ts';
import { NodeCallError, type NodeAddress } from './node-admin.ts';

export type NodeStateVerdict = { state: Node['state']; problem: string | null };

/** A valid answer, or why there is none. */
export type Answer<T> = { ok: true; value: T } | { ok: false; error: unknown };

export interface NodeAnswers {
  status: Answer<NodeStatus>;
  ready: Answer<NodeReady>;
}

/** What a failed call says about the node, to follow its name in a sentence. */
export function nodeCallProblem(error: unknown): string {
  if (!(error instanceof NodeCallError))
    return `could not be asked: ${error instanceof Error ? error.message : String(error)}`;
  switch (error.code) {
    case 'timeout':
      return `does not answer ${error.path}: ${error.detail}`;
    case 'unreachable':
      return `cannot be reached: ${error.detail}`;
    case 'bad_status':
      return `answers ${error.path} with ${error.status ?? 'an error'}: ${error.detail}`;
    case 'bad_response':
      return `answers ${error.path} against the node contract: ${error.detail}`;
  }
}

const STATE_OF_ERROR = {
  timeout: 'unreachable',
  unreachable: 'unreachable',
  // The node speaks the contract and says that it has failed.
  bad_status: 'not_ready',
  bad_response: 'lying',
} as const satisfies Record<NodeCallError['code'], Node['state']>;

const stateOfError = (error: unknown): Node['state'] =>
  error instanceof NodeCallError ? STATE_OF_ERROR[error.code] : 'unknown';

const GRAVITY: readonly Node['state'][] = ['lying', 'unreachable', 'unknown', 'not_ready'];

/** The state of a node and, unless it is ready, what is wrong with it in one sentence. */
export function judgeNode(address: NodeAddress, answers: NodeAnswers): NodeStateVerdict {
  const failures = [answers.status, answers.ready].flatMap((answer) => (answer.ok ? [] : [answer.error]));
  if (failures.length > 0) {
    const worst = failures
      .map((error) => ({ error, state: stateOfError(error) }))
      .toSorted((a, b) => GRAVITY.indexOf(a.state) - GRAVITY.indexOf(b.state))[0];
    return {
      state: worst?.state ?? 'unknown',
      problem: `${address.node_id} ${nodeCallProblem(worst?.error)}.`,
    };
  }
  if (!answers.status.ok || !answers.ready.ok) return { state: 'unknown', problem: null };
  const status = answers.status.value;
  const ready = answers.ready.value;
  const pretence = [
    ...(status.kind === address.kind ? [] : [`kind ${status.kind} instead of ${address.kind}`]),
    ...(status.environment === address.environment
      ? []
      : [`environment ${status.environment} instead of ${address.environment}`]),
  ];
  if (pretence.length > 0) {
    return { state: 'lying', problem: `${address.node_id} says that it is of ${pretence.join(' and ')}.` };
  }
  const failed = ready.checks.filter(({ ok }) => !ok);
  if (status.draining) {
    const others = failed.filter(({ name }) => name !== 'accepting_work');
    if (others.length === 0)
      return { state: 'draining', problem: `${address.node_id} drains and takes no new work.` };
  }
  if (!ready.ready || failed.length > 0) {
    const reasons = failed.map(({ name, detail }) => `${name}: ${detail}`).join('; ');
    return {
      state: 'not_ready',
      problem: `${address.node_id} is not ready${reasons === '' ? '' : ` (${reasons})`}.`,
    };
  }
  return { state: 'ready', problem: null };
}
