import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startFleet, type Fleet } from '#fleet/fleet.ts';
import { describeOrchestrator, type OrchestratorHarness } from '#server/scale/orchestrator.conformance.ts';
import { openSimulatedOrchestrator } from './simulated-orchestrator-client.ts';

const SERVICE = 'dev-runner';
const image = (tag: string, digit: string): string => `cloudlysis/runner:${tag}@sha256:${digit.repeat(64)}`;

async function createHarness(): Promise<OrchestratorHarness> {
  const folder = await mkdtemp(join(tmpdir(), 'simulated-'));
  const fleet = await startFleet({ dataDir: folder, environments: ['dev', 'prod'], speed: 20 });
  return {
    open: async () => open(fleet),
    prepareService: async (wanted) => {
      await fleet.orchestrator('dev').redefine(SERVICE, wanted);
      return SERVICE;
    },
    removeService: (service_id) => fleet.orchestrator('dev').remove(service_id),
    foreignService: async () => 'prod-runner',
    images: { next: image('1.7.0', 'a'), broken: image('broken', 'b') },
    crashTask: async ({ slot }) => fleet.orchestrator('dev').failTask(`dev-run-${slot ?? 0}`),
    dispose: async () => {
      await fleet.close();
      await rm(folder, { recursive: true });
    },
  };
}

const open = (fleet: Fleet) => {
  const { control_url: url, token } = fleet.manifest;
  return openSimulatedOrchestrator({ url, token, environment: 'dev' });
};

describeOrchestrator('the simulated orchestrator', createHarness);

describe('the simulated orchestrator under faults', () => {
  let folder: string;
  let fleet: Fleet;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'simulated-'));
    fleet = await startFleet({ dataDir: folder, environments: ['dev'], speed: 20 });
  });
  afterAll(async () => {
    await fleet.close();
    await rm(folder, { recursive: true });
  });

  it('fails a watch and every call while it cannot be reached, and answers again afterwards', async () => {
    const orchestrator = open(fleet);
    const watch = orchestrator.watch(new AbortController().signal)[Symbol.asyncIterator]();
    while ((await watch.next()).value?.kind !== 'caught_up');
    fleet.faults.switchOn({ environment: 'dev', fault: 'orchestrator_unreachable' });
    const broken = (async () => {
      while ((await watch.next()).done !== true);
    })();
    await expect(broken).rejects.toMatchObject({ code: 'unavailable' });
    await expect(orchestrator.service(SERVICE)).rejects.toMatchObject({
      code: 'unavailable',
      message: expect.stringContaining('simulated orchestrator of dev does not answer') as string,
    });
    fleet.faults.clear();
    expect(await orchestrator.service(SERVICE)).toMatchObject({ service_id: SERVICE });
    await orchestrator.close();
  });
});
