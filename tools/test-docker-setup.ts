import type { TestProject } from 'vitest/node';

import { createTestDocker, type TestDocker } from './test-docker.ts';
import { importTestImages } from './test-docker-image.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** The engine that the tests of a run share: a Swarm of one host, with the images of test-docker-image.ts. */
    swarm: { socketPath: string; address: string; machineAddress: string };
  }
}

let machine: TestDocker | undefined;

/** Gives the Swarm tests their engine; vitest calls it before the run. */
export async function setup(project: TestProject): Promise<void> {
  machine = await createTestDocker();
  try {
    const { docker, address, machineAddress, socketPath } = await machine.startHost();
    await docker.swarmInit({ AdvertiseAddr: address, ListenAddr: `${address}:2377` });
    await importTestImages(docker);
    project.provide('swarm', { socketPath, address, machineAddress });
  } catch (error) {
    await machine.stop();
    throw error;
  }
}

/** Ends it after the run. */
export async function teardown(): Promise<void> {
  await machine?.stop();
}
