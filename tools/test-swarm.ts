/** Services for tests on the engine that tools/test-docker-setup.ts started. */
import Docker from 'dockerode';
import { inject } from 'vitest';

import type { OrchestratorTask, UpdatePolicy } from '#server/scale/orchestrator.ts';

import { TEST_IMAGES } from './test-docker-image.ts';

const NANOSECONDS = 1_000_000_000;

export interface TestServiceOptions {
  replicas: number;
  image?: string;
  /** Watches for half a second unless told otherwise. A failure ends the watch, so one that is expected may be waited for long. */
  update_policy?: Partial<UpdatePolicy>;
  rollback_monitor_s?: number;
  restart_delay_s?: number;
  labels?: Record<string, string>;
  env?: string[];
  /** Placement constraints, as in `node.labels.zone==a`. */
  constraints?: string[];
  command?: string[];
  /** Further tasks wait for another host. */
  max_per_host?: number;
  name?: string;
  /** Further parts of the container's specification, as the engine takes them. */
  container?: Record<string, unknown>;
}

let count = 0;

/** An engine, the one that tests share unless told otherwise, and services of one environment on it that `dispose` removes. */
export function testSwarm({ socketPath, address, machineAddress } = inject('swarm')) {
  const docker = new Docker({ socketPath, host: undefined });
  const environment = `env-${process.pid}-${(count += 1)}`;
  const made: string[] = [];
  return {
    docker,
    environment,
    address,
    machineAddress,
    swarmAddress: { socket_path: socketPath },
    createService: async (options: TestServiceOptions, of = environment): Promise<string> => {
      const policy = { parallelism: 0, failure_action: 'pause', monitor_s: 0.5, ...options.update_policy };
      const updateConfig = {
        Parallelism: policy.parallelism,
        Delay: (policy.delay_s ?? 0) * NANOSECONDS,
        FailureAction: policy.failure_action,
        Monitor: policy.monitor_s * NANOSECONDS,
        MaxFailureRatio: policy.max_failure_ratio ?? 0,
        // The engine takes three seconds to stop a task.
        Order: policy.order ?? 'start-first',
      };
      const { id } = await docker.createService({
        Name: `${of}-${options.name ?? made.length + 1}`,
        Labels: { 'cloudlysis.environment': of, ...options.labels },
        TaskTemplate: {
          ContainerSpec: {
            Image: options.image ?? TEST_IMAGES.platform,
            Env: options.env,
            ...(options.command && { Command: options.command }),
            StopGracePeriod: NANOSECONDS,
            ...options.container,
          },
          Networks: [{ Target: 'host' }],
          Placement: { Constraints: options.constraints ?? [], MaxReplicas: options.max_per_host },
          RestartPolicy: { Condition: 'any', Delay: (options.restart_delay_s ?? 0.3) * NANOSECONDS },
        },
        Mode: { Replicated: { Replicas: options.replicas } },
        UpdateConfig: updateConfig,
        RollbackConfig: {
          ...updateConfig,
          FailureAction: 'pause',
          Monitor: (options.rollback_monitor_s ?? 0.5) * NANOSECONDS,
        },
      } as Docker.CreateServiceOptions);
      made.push(id);
      return id;
    },
    /** Kills the process of a running task's container. */
    crashTask: async ({ task_id }: Pick<OrchestratorTask, 'task_id'>): Promise<void> => {
      const { Status } = (await docker.getTask(task_id).inspect()) as {
        Status: { ContainerStatus: { ContainerID: string } };
      };
      await docker.getContainer(Status.ContainerStatus.ContainerID).kill({ signal: 'SIGKILL' });
    },
    removeService: (id: string) => docker.getService(id).remove(),
    dispose: async (): Promise<void> => {
      for (const id of made)
        await docker
          .getService(id)
          .remove()
          .catch(() => undefined);
    },
  };
}
