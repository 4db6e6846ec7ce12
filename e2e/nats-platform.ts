/** The lasting platform placed by a real nats-server: its nodes speak to it directly, servers of the control plane over a line that breaks. */
import { openNatsLink } from '#server/adapters/nats/nats-link.ts';
import { openNatsPlacementStore } from '#server/adapters/nats/nats-placement-store.ts';
import { testFolderVariable } from '#server/db/test-database.ts';
import type { PlacementStore } from '#server/scale/placement-store.ts';
import { findNatsServer } from '#tools/nats-server.mjs';
import { natsServerVariable, startTestNats } from '#tools/test-nats.ts';
import { startTestTcpProxy } from '#tools/test-tcp-proxy.ts';
import { temporaryFolder } from './control-process.ts';
import { startLastingPlatform } from './lasting-platform.ts';

const nats = findNatsServer();
/** Why there is no nats-server on this machine; null when there is one. */
export const natsMissing = 'path' in nats ? null : nats.reason;

const BUCKET = { bucket: 'TENANT_PLACEMENT', replicas: 1, history: 10, max_bytes: -1 };

export async function startNatsPlatform() {
  if ('path' in nats) process.env[natsServerVariable] = nats.path;
  const { folder, remove } = await temporaryFolder();
  process.env[testFolderVariable] = folder;
  const server = await startTestNats();
  const line = await startTestTcpProxy(server.port);
  const open = (name: string): PlacementStore =>
    openNatsPlacementStore(openNatsLink({ servers: [server.url], name }), { ...BUCKET, create: true });
  const platform = await startLastingPlatform({
    openStore: () => open('nodes'),
    settings: () => ({
      placement: { nats: {} },
      nats: { servers: [`nats://127.0.0.1:${line.port}`] },
    }),
  });
  const store = open('witness');
  return {
    ...platform,
    server,
    line,
    /** The bucket, on a line of its own. */
    store,
    stop: async () => {
      await platform.stop();
      await store.close();
      await line.close();
      await server.dispose();
      await remove();
    },
  };
}
