import {
  OrchestratorConflictError,
  OrchestratorError,
  type Orchestrator,
  type OrchestratorService,
  type ServiceChange,
} from '#server/scale/orchestrator.ts';
import type { EngineService, ServiceSpec } from './engine-objects.ts';
import type { SpecSeal } from './spec-seal.ts';
import { SwarmEngine, type SwarmAddress } from './swarm-engine.ts';
import { toHost, toService } from './swarm-objects.ts';
import { tasksThatMayEnd } from './swarm-ending-rules.ts';
import { SwarmReader } from './swarm-reader.ts';
import { watchSwarm } from './swarm-watch.ts';

export type { SwarmAddress } from './swarm-engine.ts';

/** The services of one environment on a Docker Swarm, through one of its managers. Connects when it is first asked. */
export function openSwarmOrchestrator(address: SwarmAddress, environment: string): Orchestrator {
  const engine = new SwarmEngine(address);
  const reader = new SwarmReader(engine, environment);

  const presentService = async (service_id: string): Promise<EngineService> => {
    const service = await reader.service(service_id);
    if (service === null)
      throw new OrchestratorError(
        'not_found',
        `Environment ${environment} has no service ${service_id} on Docker Swarm.`,
      );
    return service;
  };
  const readService = async (service_id: string): Promise<OrchestratorService | null> => {
    const service = await reader.service(service_id);
    return service && toService(service, await reader.seal());
  };

  return {
    name: 'Docker Swarm',
    mayEnd: tasksThatMayEnd,
    watch: (signal) => watchSwarm(engine, reader, signal),
    host: async (host_id) => {
      const node = await reader.node(host_id);
      return node && toHost(node);
    },
    service: readService,
    tasks: async (service_id) => {
      const service = await reader.service(service_id);
      return service ? reader.tasks(service, 'all') : [];
    },
    updateService: async (service_id, expected_version, change) => {
      const service = await presentService(service_id);
      if (service.Version.Index !== expected_version) throw new OrchestratorConflictError(service_id);
      const spec = changedSpec(service, change, await reader.seal());
      await engine.updateService(service_id, expected_version, spec);
      return toService(await presentService(service_id), await reader.seal());
    },
    setAvailability: async (host_id, expected_version, availability) => {
      const node = await reader.node(host_id);
      if (node === null) throw new OrchestratorError('not_found', `Docker Swarm has no host ${host_id}.`);
      if (node.Version.Index !== expected_version) throw new OrchestratorConflictError(host_id);
      await engine.updateNode(host_id, expected_version, { ...node.Spec, Availability: availability });
      const changed = await reader.node(host_id);
      if (changed === null)
        throw new OrchestratorError('not_found', `Docker Swarm has no host ${host_id} any more.`);
      return toHost(changed);
    },
    close: async () => engine.close(),
  };
}

/** The specification with the change, all else as it is. */
function changedSpec({ ID, Spec }: EngineService, change: ServiceChange, seal: SpecSeal): ServiceSpec {
  const { TaskTemplate } = Spec;
  if ('replicas' in change) {
    if (Spec.Mode?.Global)
      throw new OrchestratorError(
        'refused',
        `${Spec.Name} runs on every host; it has no number of replicas.`,
      );
    return { ...Spec, Mode: { Replicated: { Replicas: change.replicas } } };
  }
  if ('image' in change)
    return {
      ...Spec,
      TaskTemplate: {
        ...TaskTemplate,
        ContainerSpec: { ...TaskTemplate.ContainerSpec, Image: change.image },
      },
    };
  const ForceUpdate = TaskTemplate.ForceUpdate ?? 0;
  if ('restart' in change)
    return { ...Spec, TaskTemplate: { ...TaskTemplate, ForceUpdate: ForceUpdate + 1 } };
  const earlier = openSpec(change.spec, ID, Spec.Name, seal);
  return {
    ...earlier,
    TaskTemplate: { ...earlier.TaskTemplate, ForceUpdate },
    ...(Spec.Mode && { Mode: Spec.Mode }),
  };
}

function openSpec(sealed: string, service_id: string, name: string, seal: SpecSeal): ServiceSpec {
  try {
    return seal.open(sealed, service_id) as ServiceSpec;
  } catch (error) {
    throw new OrchestratorError(
      'refused',
      `The earlier specification of ${name} cannot be read: it is of another service or Swarm, or the Swarm's config that holds the key was replaced.`,
      { cause: error },
    );
  }
}
