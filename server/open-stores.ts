/** Opens the stores that the configuration of an environment names. */
import type { Logger } from 'pino';
import { openPlacementFileStore } from '#server/adapters/placement-file/placement-file-store.ts';
import type { EnvironmentConfiguration } from './configuration.ts';
import type { EnvironmentStores } from './open-nats-stores.ts';

/** The client of NATS is loaded only where it is used: it costs start-up time and memory. */
export async function openStores(
  environment: EnvironmentConfiguration,
  logger: Logger,
): Promise<EnvironmentStores> {
  const { name, nats, placement, tenant_resources } = environment;
  // Its own writes wake it at once; this is for what others write.
  const file =
    placement.file === undefined ? null : openPlacementFileStore(placement.file, { pollIntervalMs: 100 });
  if (nats && (placement.nats !== undefined || tenant_resources !== undefined)) {
    const { openNatsStores } = await import('./open-nats-stores.ts');
    return openNatsStores(environment, nats, file, logger);
  }
  if (!file) throw new Error(`environment ${name} has no placement store`);
  return { store: file };
}
