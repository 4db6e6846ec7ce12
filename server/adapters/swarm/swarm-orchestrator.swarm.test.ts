import { TEST_IMAGES } from '#tools/test-docker-image.ts';
import { testSwarm } from '#tools/test-swarm.ts';
import { describeOrchestrator } from '#server/scale/orchestrator.conformance.ts';
import { openSwarmOrchestrator } from './swarm-orchestrator.ts';

describeOrchestrator('Docker Swarm', async () => {
  const swarm = testSwarm();
  return {
    open: async () => openSwarmOrchestrator(swarm.swarmAddress, swarm.environment),
    // Who says what to do about failures expects some: they are waited for.
    prepareService: ({ update_policy, ...wanted }) =>
      swarm.createService({
        ...wanted,
        update_policy: { ...update_policy, monitor_s: update_policy?.failure_action ? 20 : 0.5 },
      }),
    removeService: swarm.removeService,
    foreignService: () => swarm.createService({ replicas: 1 }, `${swarm.environment}-other`),
    images: { next: TEST_IMAGES.next, broken: TEST_IMAGES.broken },
    crashTask: swarm.crashTask,
    dispose: swarm.dispose,
  };
});
