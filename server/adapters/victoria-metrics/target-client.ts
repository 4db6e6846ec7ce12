/** The TargetSource port over the API of vmagent, which is that of Prometheus. */
import { Type } from 'typebox';
import { Compile } from 'typebox/compile';
import { createJsonClient, Instant, type HttpServer } from '#server/adapters/http/json-client.ts';
import type { TargetSource } from '#server/observability/target-source.ts';

const targetsAnswer = Compile(
  Type.Object({
    status: Type.Literal('success'),
    data: Type.Object({
      activeTargets: Type.Array(
        Type.Object({
          labels: Type.Record(Type.String(), Type.String()),
          health: Type.String(),
          lastError: Type.String(),
          lastScrape: Instant,
          lastScrapeDuration: Type.Number({ description: 'Seconds' }),
          // vmagent tells it, Prometheus does not.
          lastSamplesScraped: Type.Optional(Type.Integer()),
        }),
      ),
    }),
  }),
);

export function createTargetClient(server: HttpServer): TargetSource {
  const { call, source, address } = createJsonClient('vmagent', server);
  const targets: TargetSource['targets'] = async (options = {}) => {
    const { data } = await call({
      ...options,
      path: '/api/v1/targets',
      query: { state: 'active' },
      answer: targetsAnswer,
    });
    return data.activeTargets.map((target) => {
      const at = Date.parse(target.lastScrape);
      // Before the first scrape this is the year 1, or 1970.
      const scraped = at > 0;
      return {
        labels: target.labels,
        health: target.health === 'up' || (scraped && target.health === 'down') ? target.health : 'unknown',
        last_scrape_at: scraped ? new Date(at).toISOString() : null,
        took_ms: scraped ? target.lastScrapeDuration * 1000 : null,
        samples: scraped ? (target.lastSamplesScraped ?? null) : null,
        error: target.lastError === '' ? null : target.lastError,
      };
    });
  };
  return { source, address, targets, check: async (options) => void (await targets(options)) };
}
