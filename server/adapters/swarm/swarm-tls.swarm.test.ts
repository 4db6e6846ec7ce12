import { mkdtemp, readFile } from 'node:fs/promises';
import { connect, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { createServer, type Server } from 'node:tls';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { testFolder } from '#server/db/test-database.ts';
import { makeTestCertificates } from '#tools/test-certificates.ts';
import { testSwarm } from '#tools/test-swarm.ts';
import { openSwarmOrchestrator } from './swarm-orchestrator.ts';

describe('a Swarm behind TLS', () => {
  const swarm = testSwarm();
  let certificates: Awaited<ReturnType<typeof makeTestCertificates>>;
  let strangers: Awaited<ReturnType<typeof makeTestCertificates>>;
  let server: Server;
  beforeAll(async () => {
    certificates = await makeTestCertificates(await mkdtemp(join(testFolder(), 'swarm-tls-')));
    strangers = await makeTestCertificates(await mkdtemp(join(testFolder(), 'swarm-tls-')));
    const { ca_file, server: own } = certificates;
    const [ca, cert, key] = await Promise.all(
      [ca_file, own.cert_file, own.key_file].map((file) => readFile(file)),
    );
    server = createServer({ ca, cert, key, requestCert: true, rejectUnauthorized: true }, (from) => {
      const to = connect(swarm.swarmAddress.socket_path);
      from.on('error', () => to.destroy()).pipe(to);
      to.on('error', () => from.destroy()).pipe(from);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  });
  afterAll(async () => {
    await swarm.dispose();
    await new Promise((resolve) => server.close(resolve));
  });

  const openWith = (ca_file: string, client: { cert_file: string; key_file: string }) => {
    const { port } = server.address() as AddressInfo;
    return openSwarmOrchestrator({ host: 'localhost', port, ca_file, ...client }, swarm.environment);
  };

  it('is watched and changed with a client certificate', async () => {
    const service_id = await swarm.createService({ replicas: 0 });
    const orchestrator = openWith(certificates.ca_file, certificates.client);
    const seen: string[] = [];
    for await (const event of orchestrator.watch(AbortSignal.timeout(30_000))) {
      if (event.kind === 'caught_up') break;
      seen.push(event.id);
    }
    expect(seen).toContain(service_id);
    const service = await orchestrator.service(service_id);
    const changed = await orchestrator.updateService(service_id, service?.version ?? 0, { image: 'app:2' });
    expect(changed.image).toBe('app:2');
    await orchestrator.close();
  });

  it('is not spoken to when another authority has signed for it, nor speaks to a client of another', async () => {
    const misled = openWith(strangers.ca_file, certificates.client);
    await expect(misled.service('any')).rejects.toMatchObject({ code: 'unavailable' });
    const stranger = openWith(certificates.ca_file, strangers.client);
    await expect(stranger.service('any')).rejects.toMatchObject({ code: 'unavailable' });
    await Promise.all([misled.close(), stranger.close()]);
  });
});
