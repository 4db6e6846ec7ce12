/** What `control.yaml` says about the orchestrator of an environment, and how it is opened. */
import { readFileSync } from 'node:fs';
import { Type, type Static } from 'typebox';
import { openSimulatedOrchestrator } from '#server/adapters/simulated-orchestrator/simulated-orchestrator-client.ts';
import type { Orchestrator } from '#server/scale/orchestrator.ts';

const strict = { additionalProperties: false };
const File = Type.String({ minLength: 1 });
const exactlyOne = { minProperties: 1, maxProperties: 1 };

const DockerConfiguration = Type.Object(
  {
    socket_path: Type.Optional(
      Type.String({ pattern: '^/', description: 'The engine’s socket on this machine, an absolute path' }),
    ),
    tcp: Type.Optional(
      Type.Object(
        {
          host: Type.String({ minLength: 1 }),
          port: Type.Integer({ minimum: 1, maximum: 65_535 }),
          ca_file: File,
          cert_file: File,
          key_file: File,
        },
        {
          ...strict,
          description: 'The engine’s address with PEM files: its authority, and who this client is',
        },
      ),
    ),
  },
  {
    ...strict,
    ...exactlyOne,
    description:
      'A manager of the Docker Swarm. Who may speak to it may do anything on its hosts: keep the socket and the key to this process',
  },
);

export const OrchestratorConfiguration = Type.Object(
  {
    docker: Type.Optional(DockerConfiguration),
    simulated: Type.Optional(
      Type.Object(
        {
          url: Type.String({
            pattern: '^https?://[^/]+$',
            description:
              'Control endpoint of the simulated platform, an origin; it takes the token of the nodes',
          }),
        },
        strict,
      ),
    ),
  },
  {
    ...strict,
    ...exactlyOne,
    description: 'What runs the nodes of the environment, beside those in `nodes`',
  },
);
type OrchestratorConfiguration = Static<typeof OrchestratorConfiguration>;

/** What is wrong beyond the schema, each with its path and in a sentence: certificate files that cannot be read. */
export function orchestratorProblems(
  environments: readonly { orchestrator?: OrchestratorConfiguration | undefined }[],
): string[] {
  return environments.flatMap(({ orchestrator }, at) => {
    const { ca_file, cert_file, key_file } = orchestrator?.docker?.tcp ?? {};
    return Object.entries({ ca_file, cert_file, key_file }).flatMap(([name, file]) => {
      try {
        if (file !== undefined) readFileSync(file);
        return [];
      } catch (error) {
        const { code } = error as NodeJS.ErrnoException;
        return [`/environments/${at}/orchestrator/docker/tcp/${name} ${file} cannot be read (${code})`];
      }
    });
  });
}

/**
 * It need not answer: what it is asked for fails until it does. Throws when a certificate file cannot be read. The client of Docker is
 * loaded only where it is used: it costs start-up time and memory.
 */
export async function openOrchestrator(
  environment: string,
  { docker, simulated }: OrchestratorConfiguration,
  nodeToken: string,
): Promise<Orchestrator> {
  const engine = docker?.socket_path === undefined ? docker?.tcp : { socket_path: docker.socket_path };
  if (engine !== undefined) {
    const { openSwarmOrchestrator } = await import('#server/adapters/swarm/swarm-orchestrator.ts');
    return openSwarmOrchestrator(engine, environment);
  }
  if (simulated !== undefined)
    return openSimulatedOrchestrator({ url: simulated.url, token: nodeToken, environment });
  throw new Error(`The orchestrator of ${environment} is none that is known.`);
}
