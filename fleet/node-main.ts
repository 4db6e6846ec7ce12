import { readFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { NODE_KINDS, PLACEMENT_BUCKET } from '#contract/placement-record.ts';
import { openNatsLink, type NatsCredentials } from '#server/adapters/nats/nats-link.ts';
import { openNatsPlacementStore } from '#server/adapters/nats/nats-placement-store.ts';
import { FaultBoard } from './faults.ts';
import { GatewaySessions } from './gateway-sessions.ts';
import { GatewayTokens } from './gateway-tokens.ts';
import { NodeMetrics } from './metrics/node-metrics.ts';
import { NodeApplication } from './node-server.ts';
import { NodeState } from './node-state.ts';
import { PlacementFollower } from './placement-follower.ts';

/** One simulated node as a process of its own, placed by a NATS bucket; usage in `fleet/README.md`. */

const NAME = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,127}$/;

function readOptions() {
  const { values } = parseArgs({
    options: {
      'node-id': { type: 'string' },
      kind: { type: 'string' },
      shards: { type: 'string', default: '' },
      environment: { type: 'string' },
      host: { type: 'string', default: '127.0.0.1' },
      port: { type: 'string', default: '0' },
      'token-file': { type: 'string' },
      nats: { type: 'string' },
      'nats-bucket': { type: 'string', default: PLACEMENT_BUCKET },
      'nats-ca-file': { type: 'string' },
      'nats-creds-file': { type: 'string' },
      'nats-nkey-file': { type: 'string' },
      'nats-user': { type: 'string' },
      region: { type: 'string', default: 'eu-1' },
      version: { type: 'string', default: '1.0.0' },
      'git-sha': { type: 'string', default: 'unknown' },
    },
  });
  const { 'node-id': node_id, kind: kindName, environment, nats, 'token-file': tokenFile } = values;
  const kind = NODE_KINDS.find((each) => each === kindName);
  if (kind === undefined) throw new Error(`--kind takes one of ${NODE_KINDS.join(', ')}`);
  if (node_id === undefined || !NAME.test(node_id)) throw new Error('--node-id takes the name of the node');
  if (environment === undefined || !NAME.test(environment)) throw new Error('--environment takes its name');
  if (nats === undefined)
    throw new Error('--nats takes addresses such as nats://host:4222, separated by commas');
  if (tokenFile === undefined) throw new Error('--token-file takes the file of the service bearer token');
  const shards = values.shards === '' ? [] : values.shards.split(',');
  if ((kind === 'gateway') !== (shards.length === 0)) {
    throw new Error('--shards takes the shards of the node, separated by commas; a gateway holds none');
  }
  const port = Number(values.port);
  if (!(Number.isInteger(port) && port >= 0 && port <= 65_535)) throw new Error('--port takes a port number');
  const { region, version, 'git-sha': git_sha } = values;
  return {
    ...values,
    spec: { node_id, kind, environment, shards, region, version, git_sha },
    servers: nats.split(','),
    tokenFile,
    port,
  };
}

function credentialsOf(options: ReturnType<typeof readOptions>): NatsCredentials | null {
  if (options['nats-creds-file']) return { kind: 'creds_file', path: options['nats-creds-file'] };
  if (options['nats-nkey-file']) return { kind: 'nkey_file', path: options['nats-nkey-file'] };
  if (!options['nats-user']) return null;
  const password = process.env['NATS_PASSWORD'];
  if (!password) throw new Error('--nats-user needs its password in the environment variable NATS_PASSWORD');
  return { kind: 'password', user: options['nats-user'], password: () => password };
}

async function main(): Promise<void> {
  const options = readOptions();
  const { spec } = options;
  const token = (await readFile(options.tokenFile, 'utf8')).trim();
  if (token === '') throw new Error(`token file ${options.tokenFile} is empty`);
  const credentials = credentialsOf(options);
  const link = openNatsLink({
    servers: options.servers,
    name: spec.node_id,
    ...(options['nats-ca-file'] ? { tls: { ca_file: options['nats-ca-file'] } } : {}),
    ...(credentials ? { credentials } : {}),
  });
  const store = openNatsPlacementStore(link, { bucket: options['nats-bucket'], create: false });
  const faults = new FaultBoard();
  const follower = new PlacementFollower({
    store,
    clock: Date.now,
    onDelivered: (mirror) => {
      state.advance();
      return state.oldestNeeded(mirror);
    },
    onError: (error) => process.stderr.write(`${spec.node_id}: ${String(error)}\n`),
  });
  const speed = Number(process.env['CONTROL_FLEET_SPEED'] ?? 1);
  const state = new NodeState({ spec, source: follower, faults, clock: Date.now, speed });
  const application = new NodeApplication(token, faults);
  await application.prepare();
  const gateway =
    spec.kind === 'gateway'
      ? {
          sessions: new GatewaySessions(follower, Date.now()),
          tokens: new GatewayTokens(spec.environment),
        }
      : null;
  const node = { state, metrics: new NodeMetrics(state, Date.now), placements: follower, gateway };
  const { server, port } = await application.listen(node, options.port, options.host);

  const stop = async (): Promise<void> => {
    server.close();
    server.closeAllConnections();
    await application.close();
    await follower.close();
    await store.close();
  };
  const end = (): void => void stop().finally(() => process.exit(0));
  for (const signal of ['SIGTERM', 'SIGINT', 'disconnect'] as const) process.once(signal, end);
  process.stdout.write(`${spec.node_id} listens on ${options.host}:${port}\n`);
  process.send?.({ type: 'ready', port });
}

main().catch((error: unknown) => {
  process.stderr.write(`the node cannot start: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exit(1);
});
