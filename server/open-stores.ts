/** Opens the stores that the configuration of an environment names: of placements, and of its tenants' streams and buckets. */
import type { Logger } from 'pino';
import { openNatsLink, type NatsLink } from '#server/adapters/nats/nats-link.ts';
import { DEFAULT_BUCKET, openNatsPlacementStore } from '#server/adapters/nats/nats-placement-store.ts';
import { createNatsTenantResources } from '#server/adapters/nats/nats-tenant-resources.ts';
import { openPlacementFileStore } from '#server/adapters/placement-file/placement-file-store.ts';
import type { PlacementStore } from '#server/scale/placement-store.ts';
import type { EnvironmentSettings } from '#server/scale/scale-settings.ts';
import type { EnvironmentConfiguration } from './configuration.ts';
import { declarationOf, natsSettings } from './nats-configuration.ts';

const DEFAULT_HISTORY = 10;

/** A store on NATS need not answer: what it is asked for fails until its server does. */
export function openStores(
  environment: EnvironmentConfiguration,
  logger: Logger,
): Pick<EnvironmentSettings, 'store' | 'tenant_resources'> {
  const { name, nats, placement, tenant_resources } = environment;
  const onNats = placement.nats !== undefined || tenant_resources !== undefined;
  const link = nats && onNats ? openNatsLink(natsSettings(nats, process.env, `control ${name}`)) : undefined;
  const store = openPlacementStore(environment, link, logger);
  if (!link || !tenant_resources) return { store };
  return {
    // Whoever closes the store closes the link: one on NATS does so itself.
    store: placement.nats ? store : { ...store, close: () => closeBoth(store, link) },
    tenant_resources: {
      store: createNatsTenantResources(link),
      declaration: declarationOf(tenant_resources, placement.nats?.replicas),
    },
  };
}

function openPlacementStore(
  { name, production, placement, nats }: EnvironmentConfiguration,
  link: NatsLink | undefined,
  logger: Logger,
): PlacementStore {
  if (!nats || !link || !placement.nats) {
    if (placement.file === undefined) throw new Error(`environment ${name} has no placement store`);
    // Its own writes wake it at once; this is for what others write.
    return openPlacementFileStore(placement.file, { pollIntervalMs: 100 });
  }
  const { bucket = DEFAULT_BUCKET, replicas = 1, history = DEFAULT_HISTORY, max_bytes = -1 } = placement.nats;
  return openNatsPlacementStore(link, {
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

async function closeBoth(store: PlacementStore, link: NatsLink): Promise<void> {
  await store.close();
  await link.close();
}
