/** Opens the placement store that the configuration of an environment names. */
import type { Logger } from 'pino';
import { openNatsLink } from '#server/adapters/nats/nats-link.ts';
import { DEFAULT_BUCKET, openNatsPlacementStore } from '#server/adapters/nats/nats-placement-store.ts';
import { openPlacementFileStore } from '#server/adapters/placement-file/placement-file-store.ts';
import type { PlacementStore } from '#server/scale/placement-store.ts';
import type { EnvironmentConfiguration } from './configuration.ts';
import { natsSettings } from './nats-configuration.ts';

const DEFAULT_HISTORY = 10;

/** A store on NATS need not answer: what it is asked for fails until its server does. */
export function openPlacementStore(
  { name, production, placement, nats }: EnvironmentConfiguration,
  logger: Logger,
): PlacementStore {
  if (!nats || !placement.nats) {
    if (placement.file === undefined) throw new Error(`environment ${name} has no placement store`);
    // Its own writes wake it at once; this is for what others write.
    return openPlacementFileStore(placement.file, { pollIntervalMs: 100 });
  }
  const { bucket = DEFAULT_BUCKET, replicas = 1, history = DEFAULT_HISTORY, max_bytes = -1 } = placement.nats;
  return openNatsPlacementStore(openNatsLink(natsSettings(nats, process.env, `control ${name}`)), {
    create: true,
    bucket,
    replicas,
    history,
    max_bytes,
    preflight: {
      production: production ?? false,
      monitoring_urls: nats.monitoring_urls ?? [],
      onChange: ({ address, version, warnings }) => {
        logger.info({ environment: name, address, version }, 'the placement store answers');
        for (const warning of warnings) {
          logger.warn({ environment: name, address, warning }, 'the placement store is set up unsafely');
        }
      },
    },
  });
}
