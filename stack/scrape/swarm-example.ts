/** A Swarm as the API of a manager’s engine tells it, cut to what discovery reads: for tests, since networks of a Swarm cannot be had there. */

const network = (id: string, name: string): object => ({
  Id: id,
  Name: name,
  Scope: 'swarm',
  Ingress: false,
  Internal: false,
});
const NETWORKS = [network('net1', 'platform'), network('net2', 'observability'), network('net3', 'proxy')];

const NODES = ['a', 'b'].map((letter, index) => ({
  ID: `host-${letter}-id`,
  Spec: {
    Role: 'manager',
    Availability: 'active',
    // Only one of them exports the metrics of its engine.
    Labels: index === 0 ? { 'metrics-port': '9323' } : {},
  },
  Description: {
    Hostname: `host-${letter}`,
    Platform: { Architecture: 'x86_64', OS: 'linux' },
    Engine: { EngineVersion: '29.1.0' },
  },
  Status: { State: 'ready', Message: '', Addr: `192.168.7.${index + 1}` },
  ManagerStatus: { Leader: index === 0, Reachability: 'reachable', Addr: `192.168.7.${index + 1}:2377` },
}));

const service = (name: string, labels: Record<string, string>, mode: object): object => ({
  ID: `${name}-id`,
  Spec: {
    Name: name,
    Labels: labels,
    Mode: mode,
    TaskTemplate: { ContainerSpec: { Hostname: '', Image: `${name}:1` } },
    EndpointSpec: { Mode: 'vip' },
  },
  Endpoint: { VirtualIPs: [], Ports: [] },
  UpdateStatus: { State: '' },
});
const SERVICES = [
  service(
    'platform_gateway',
    { 'cloudlysis.environment': 'staging', 'cloudlysis.kind': 'gateway', 'cloudlysis.port': '8080' },
    { Replicated: { Replicas: 1 } },
  ),
  service(
    'control_control',
    { 'cloudlysis.metrics.job': 'control', 'cloudlysis.metrics.port': '7070' },
    { Replicated: { Replicas: 2 } },
  ),
  service(
    'observability_node-exporter',
    { 'cloudlysis.metrics.job': 'node-exporter', 'cloudlysis.metrics.port': '9100' },
    { Global: {} },
  ),
  service('somebody_elses', {}, { Replicated: { Replicas: 1 } }),
];

const task = (
  name: string,
  slot: number | undefined,
  desired: string,
  addresses: Record<string, string>,
): object => ({
  ID: `${name}-${slot ?? 'global'}-${desired}`,
  ServiceID: `${name}-id`,
  NodeID: 'host-a-id',
  ...(slot && { Slot: slot }),
  Labels: {},
  DesiredState: desired,
  Status: { State: desired, ContainerStatus: { ContainerID: `${name}-${slot}` }, PortStatus: { Ports: [] } },
  Spec: { ContainerSpec: { Labels: {} } },
  NetworksAttachments: Object.entries(addresses).map(([id, address]) => ({
    Addresses: [`${address}/24`],
    Network: { ID: id },
  })),
});
const TASKS = [
  task('platform_gateway', 1, 'running', { net1: '10.0.1.11' }),
  // The one before it, which Swarm still remembers.
  task('platform_gateway', 1, 'shutdown', { net1: '10.0.1.10' }),
  task('control_control', 2, 'running', { net1: '10.0.1.21', net2: '10.0.2.21', net3: '10.0.3.21' }),
  task('observability_node-exporter', undefined, 'running', { net2: '10.0.2.31' }),
  task('somebody_elses', 1, 'running', { net1: '10.0.1.41' }),
];

/** The answer to a request of the discovery. */
export function engineAnswers(url: string): object[] {
  const answers: Record<string, object[]> = {
    networks: NETWORKS,
    nodes: NODES,
    services: SERVICES,
    tasks: TASKS,
  };
  return answers[/\/(\w+)(?:\?|$)/.exec(url)?.[1] ?? ''] ?? [];
}
