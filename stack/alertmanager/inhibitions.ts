/** Alerts that keep others silent, because they say the same, more to the point. A page is silenced only by a page. */

interface Inhibition {
  while: string;
  /** Only for this objective. */
  slo?: 'availability' | 'latency';
  silences: readonly string[];
  /** Where both have the same values of these labels; both must have them, since Alertmanager takes two missing ones for equal. */
  equal: readonly string[];
}

export const INHIBITIONS: readonly Inhibition[] = [
  // A node that does not answer is not ready either.
  { while: 'ServiceDown', silences: ['NodeNotReady'], equal: ['env', 'service', 'instance'] },
  // The others carry its load: slow is what that looks like.
  { while: 'ServiceDown', silences: ['LatencyHigh', 'SloBurnSlow'], equal: ['env', 'service'] },
  // Each of the targets that fail is reported.
  { while: 'ServiceDown', silences: ['ScrapesFailing'], equal: ['env'] },
  { while: 'SloBurnFast', silences: ['SloBurnSlow'], equal: ['env', 'service', 'slo'] },
  { while: 'SloBurnFast', slo: 'availability', silences: ['ErrorRatioHigh'], equal: ['env', 'service'] },
  { while: 'SloBurnFast', slo: 'latency', silences: ['LatencyHigh'], equal: ['env', 'service'] },
  { while: 'DiskNearlyFull', silences: ['DiskFullSoon'], equal: ['env', 'instance', 'mountpoint'] },
  { while: 'StoreUnwritable', silences: ['StoreNearlyFull'], equal: ['env', 'service', 'instance'] },
  { while: 'OutboxStuck', silences: ['OutboxDeep'], equal: ['env', 'instance'] },
  { while: 'MetricsLost', silences: ['MetricsWriteFailing'], equal: ['env', 'instance'] },
];
