import type { NodeKind } from '#contract/placement-record.ts';
import { hashText } from './work-rules.ts';

/** What the simulated platform is made of: hosts, a service for each kind of node, and the node in each slot of a service. Pure. */

export type NodeSpec = {
  node_id: string;
  kind: NodeKind;
  environment: string;
  shards: string[];
  region: string;
  version: string;
  git_sha: string;
};

/** `replicas` is what a new fleet starts with. */
export const LAYOUT = [
  { kind: 'gateway', prefix: 'gw', replicas: 2, version: '2.8.1', git_sha: '5f1c0a7' },
  { kind: 'aggregate', prefix: 'agg', replicas: 3, version: '1.14.0', git_sha: 'c93be42' },
  { kind: 'projection', prefix: 'prj', replicas: 3, version: '1.9.3', git_sha: '81d7e60' },
  { kind: 'runner', prefix: 'run', replicas: 2, version: '1.6.5', git_sha: 'e2a94f8' },
] as const satisfies { kind: NodeKind; prefix: string; replicas: number; version: string; git_sha: string }[];

/** The regions of an environment's hosts, one each. */
export const HOST_REGIONS = ['eu-1', 'us-1', 'ap-1'] as const;

/** The node in a slot of a service: `<environment>-<shard>`, one shard a node; gateways hold none. */
export function nodeInSlot(
  environment: string,
  kind: NodeKind,
  slot: number,
  { version, region }: { version: string; region: string },
): NodeSpec {
  const known = LAYOUT.find((each) => each.kind === kind);
  const name = `${known?.prefix ?? kind}-${slot}`;
  return {
    node_id: `${environment}-${name}`,
    kind,
    environment,
    shards: kind === 'gateway' ? [] : [name],
    region,
    version,
    git_sha:
      known?.version === version
        ? known.git_sha
        : hashText(`${kind} ${version}`).toString(16).padStart(8, '0').slice(0, 7),
  };
}
