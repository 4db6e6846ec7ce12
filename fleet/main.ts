import { readFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { DEFAULT_ENVIRONMENTS, startFleet } from './fleet.ts';
import { readManifest, writeManifest } from './manifest.ts';

/** The simulated platform as a process of its own; usage in `fleet/README.md`. */

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      'data-dir': { type: 'string' },
      environments: { type: 'string', default: DEFAULT_ENVIRONMENTS.join(',') },
      manifest: { type: 'string' },
      'base-port': { type: 'string' },
      'token-file': { type: 'string' },
    },
  });
  const { 'data-dir': dataDir, manifest: manifestPath, 'token-file': tokenFile } = values;
  if (dataDir === undefined || manifestPath === undefined)
    throw new Error('--data-dir and --manifest are required');
  const environments = values.environments.split(',');
  if (!environments.every((environment) => /^[a-z][a-z0-9-]{0,30}$/.test(environment))) {
    throw new Error(
      '--environments takes names of lower-case letters, digits and dashes, separated by commas',
    );
  }
  const basePort = values['base-port'] === undefined ? undefined : Number(values['base-port']);
  if (basePort !== undefined && !(Number.isInteger(basePort) && basePort > 0 && basePort < 65_000)) {
    throw new Error('--base-port takes a port number');
  }
  const token = tokenFile === undefined ? undefined : (await readFile(tokenFile, 'utf8')).trim();
  if (token === '') throw new Error(`token file ${tokenFile} is empty`);

  const fleet = await startFleet({
    dataDir,
    environments,
    previous: await readManifest(manifestPath),
    ...(token === undefined ? {} : { token }),
    ...(basePort === undefined ? {} : { basePort }),
  });
  const stop = (): void => {
    void fleet.close().finally(() => process.exit(0));
  };
  process.once('SIGTERM', stop);
  process.once('SIGINT', stop);
  // Whoever started the fleet over a channel is gone when the channel is: nobody else would end it.
  process.once('disconnect', stop);
  await writeManifest(manifestPath, fleet.manifest);
  process.stdout.write(
    `fleet ready: ${fleet.manifest.nodes.length} nodes in ${environments.join(', ')}; faults at ${fleet.manifest.control_url}\n`,
  );
  process.send?.({ type: 'ready', manifest: fleet.manifest });
}

main().catch((error: unknown) => {
  process.stderr.write(`fleet cannot start: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exit(1);
});
