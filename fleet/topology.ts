import type { NodeKind } from '#contract/placement-record.ts';

/** Which nodes the simulated platform has. Pure. */

export type NodeSpec = {
  node_id: string;
  kind: NodeKind;
  environment: string;
  shards: string[];
  region: string;
  version: string;
  git_sha: string;
};

const LAYOUT = [
  { kind: 'gateway', prefix: 'gw', count: 2, version: '2.8.1', git_sha: '5f1c0a7' },
  { kind: 'aggregate', prefix: 'agg', count: 3, version: '1.14.0', git_sha: 'c93be42' },
  { kind: 'projection', prefix: 'prj', count: 3, version: '1.9.3', git_sha: '81d7e60' },
  { kind: 'runner', prefix: 'run', count: 2, version: '1.6.5', git_sha: 'e2a94f8' },
] as const;

const REGIONS = ['eu-1', 'us-1', 'ap-1'];

/** The ten nodes of an environment: `<environment>-<shard>`, one shard a node; gateways hold none. */
export function nodesOf(environment: string): NodeSpec[] {
  return LAYOUT.flatMap(({ kind, prefix, count, version, git_sha }) =>
    Array.from({ length: count }, (_, index) => {
      const name = `${prefix}-${index + 1}`;
      return {
        node_id: `${environment}-${name}`,
        kind,
        environment,
        shards: kind === 'gateway' ? [] : [name],
        region: REGIONS[index] ?? 'eu-1',
        version,
        git_sha,
      };
    }),
  );
}
