import { expect, it } from 'vitest';
import type { OrchestratorTask } from '#server/scale/orchestrator.ts';
import { tasksThatMayEnd } from './swarm-ending-rules.ts';

/** Slots in order, each by its host or `null`. */
const mayEnd = (hosts: (string | null)[], replicas: number): (number | null)[] =>
  tasksThatMayEnd(
    hosts.map((host_id, at) => ({ slot: at + 1, host_id, desired_state: 'running' }) as OrchestratorTask),
    replicas,
  ).map(({ slot }) => slot);

it('ends a task that found no host before any other', () => {
  expect(mayEnd(['a', 'a', null], 2)).toEqual([3]);
  expect(mayEnd(['a', null, null], 2)).toEqual([2, 3]);
});

it('ends a task where the most of them are, so that the others surely stay', () => {
  expect(mayEnd(['a', 'b', 'b'], 2)).toEqual([2, 3]);
  expect(mayEnd(['a', 'b', 'c', 'c', 'c'], 4)).toEqual([3, 4, 5]);
});

it('may end any of those that are spread alike', () => {
  expect(mayEnd(['a', 'b', 'c'], 2)).toEqual([1, 2, 3]);
  expect(mayEnd(['a', 'b', 'b'], 1)).toEqual([1, 2, 3]);
});

it('ends a slot that holds two tasks at once like one without a host', () => {
  const task = (slot: number, host_id: string) =>
    ({ slot, host_id, desired_state: 'running' }) as OrchestratorTask;
  const tasks = [task(1, 'a'), task(2, 'a'), task(3, 'b'), task(3, 'b')];
  expect(tasksThatMayEnd(tasks, 2).map(({ slot }) => slot)).toEqual([3, 3]);
});

it('does not count what is to end anyway, and ends nothing when none is too many', () => {
  const task = (slot: number, desired_state: string) =>
    ({ slot, host_id: 'a', desired_state }) as OrchestratorTask;
  expect(tasksThatMayEnd([task(1, 'running'), task(2, 'shutdown')], 1)).toEqual([]);
});
