import { join } from 'node:path';
import { createServer, connect, type AddressInfo, type Server, type Socket } from 'node:net';

import type { NodeKind } from '#contract/placement-record.ts';

import type { testSwarm, TestServiceOptions } from './test-swarm.ts';

const FIRST_PORT = 7_100;
const TOKEN = 'token of the test nodes';

export interface SwarmNodes {
  token: string;
  /** Services by the name of their node. */
  services: Map<string, string>;
  stop: () => Promise<void>;
}

/**
 * Simulated nodes as services of a Swarm, one task each, placed by a bucket on this nats-server. They run from the checkout, which is mounted
 * read-only, and read their token from a Swarm secret. The services go with `swarm.dispose()`.
 */
export async function startSwarmNodes(
  swarm: ReturnType<typeof testSwarm>,
  specs: readonly ({ kind: NodeKind; name: string } & Pick<
    TestServiceOptions,
    'max_per_host' | 'update_policy'
  >)[],
  nats: { port: number },
): Promise<SwarmNodes> {
  const relay = await startRelay(swarm.machineAddress, nats.port);
  const secret = await swarm.docker.createSecret({
    Name: `${swarm.environment}-node-token`,
    Labels: {},
    Data: Buffer.from(TOKEN).toString('base64'),
  });
  const services = new Map<string, string>();
  for (const [at, { kind, name, ...placing }] of specs.entries()) {
    const port = FIRST_PORT + at;
    const options = {
      'node-id': `${swarm.environment}-${name}`,
      kind,
      shards: kind === 'gateway' ? '' : name,
      environment: swarm.environment,
      host: swarm.address,
      port,
      nats: `nats://${swarm.machineAddress}:${relay.port}`,
      'token-file': '/run/secrets/node-token',
    };
    const service_id = await swarm.createService({
      name,
      replicas: 1,
      ...placing,
      labels: { 'cloudlysis.kind': kind, 'cloudlysis.port': `${port}` },
      env: ['CONTROL_FLEET_SPEED=10', 'NODE_NO_WARNINGS=1'],
      command: [
        'node',
        '/platform/fleet/node-main.ts',
        ...Object.entries(options).map(([option, value]) => `--${option}=${value}`),
      ],
      // Its port is taken until the one before it has gone.
      update_policy: { order: 'stop-first' },
      container: {
        Mounts: [
          { Type: 'bind', Source: join(import.meta.dirname, '..'), Target: '/platform', ReadOnly: true },
        ],
        Secrets: [
          {
            SecretID: secret.id,
            SecretName: `${swarm.environment}-node-token`,
            File: { Name: 'node-token', UID: '0', GID: '0', Mode: 0o400 },
          },
        ],
      },
    });
    services.set(name, service_id);
  }
  return { token: TOKEN, services, stop: relay.stop };
}

/** Hands connections on to a port of this machine that listens on loopback only. */
export async function startRelay(
  host: string,
  port: number,
): Promise<{ port: number; stop: () => Promise<void> }> {
  const sockets = new Set<Socket>();
  const keep = (socket: Socket): Socket => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
    return socket.on('error', () => socket.destroy());
  };
  const server: Server = createServer((from) => {
    const to = keep(connect(port, '127.0.0.1'));
    keep(from).pipe(to).pipe(from);
  });
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(0, host, resolve));
  return {
    port: (server.address() as AddressInfo).port,
    stop: async () => {
      const closed = new Promise((resolve) => server.close(resolve));
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}
