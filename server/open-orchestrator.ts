/** What `control.yaml` says about the orchestrator of an environment, and how it is opened. */
import { Type, type Static } from 'typebox';
import { openSimulatedOrchestrator } from '#server/adapters/simulated-orchestrator/simulated-orchestrator-client.ts';
import type { Orchestrator } from '#server/scale/orchestrator.ts';

const strict = { additionalProperties: false };

export const OrchestratorConfiguration = Type.Object(
  {
    simulated: Type.Object(
      {
        url: Type.String({
          pattern: '^https?://[^/]+$',
          description:
            'Control endpoint of the simulated platform, an origin; it takes the token of the nodes',
        }),
      },
      strict,
    ),
  },
  { ...strict, description: 'What runs the nodes of the environment, beside those in `nodes`' },
);
type OrchestratorConfiguration = Static<typeof OrchestratorConfiguration>;

/** It need not answer: what it is asked for fails until it does. */
export function openOrchestrator(
  environment: string,
  { simulated }: OrchestratorConfiguration,
  nodeToken: string,
): Orchestrator {
  return openSimulatedOrchestrator({ url: simulated.url, token: nodeToken, environment });
}
