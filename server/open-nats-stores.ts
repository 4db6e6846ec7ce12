/** Opens the stores of an environment that has a NATS: of placements, and of its tenants' streams and buckets. */
import type { Logger } from 'pino';
import { PLACEMENT_BUCKET } from '#contract/placement-record.ts';
import { openNatsLink, type NatsLink } from '#server/adapters/nats/nats-link.ts';
import { openNatsPlacementStore } from '#server/adapters/nats/nats-placement-store.ts';
import { createNatsTenantResources } from '#server/adapters/nats/nats-tenant-resources.ts';
import type { PlacementStore } from '#server/scale/placement-store.ts';
import type { EnvironmentSettings } from '#server/scale/scale-settings.ts';
import type { EnvironmentConfiguration } from './configuration.ts';
import { declarationOf, natsSettings, type NatsConfiguration } from './nats-configuration.ts';

export type EnvironmentStores = Pick<EnvironmentSettings, 'store' | 'tenant_resources'>;

const DEFAULT_HISTORY = 10;

/** `file`: the store of placements, where only the tenants' resources are on NATS. What is on NATS need not answer: what it is asked for fails until it does. */
export function openNatsStores(
  environment: EnvironmentConfiguration,
  nats: NatsConfiguration,
  file: PlacementStore | null,
  logger: Logger,
): EnvironmentStores {
  const { name, placement, tenant_resources } = environment;
  const link = openNatsLink(natsSettings(nats, process.env, `control ${name}`));
  const store = file ? closingToo(file, link) : openPlacements(environment, nats, link, logger);
  if (!tenant_resources) return { store };
  return {
    store,
    tenant_resources: {
      store: createNatsTenantResources(link),
      declaration: declarationOf(tenant_resources, placement.nats?.replicas),
    },
  };
}

function openPlacements(
  { name, production, placement }: EnvironmentConfiguration,
  nats: NatsConfiguration,
  link: NatsLink,
  logger: Logger,
): PlacementStore {
  const { bucket, replicas, history, max_bytes } = placement.nats ?? {};
  return openNatsPlacementStore(link, {
    create: true,
    bucket: bucket ?? PLACEMENT_BUCKET,
    replicas: replicas ?? 1,
    history: history ?? DEFAULT_HISTORY,
    max_bytes: max_bytes ?? -1,
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

/** Whoever closes the store closes the link: a store on NATS does so itself. */
function closingToo(store: PlacementStore, link: NatsLink): PlacementStore {
  return {
    ...store,
    close: async () => {
      await store.close();
      await link.close();
    },
  };
}
