import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { startTestHttpServer, type TestHttpServer } from '#tools/test-http-server.ts';
import { createLokiClient } from './loki-client.ts';

/** Loki is in no registry that tests reach: this one answers as its HTTP API is documented. */
describe('Loki', () => {
  let server: TestHttpServer;
  beforeAll(async () => {
    server = await startTestHttpServer();
  });
  afterEach(() => server.requests.splice(0));
  afterAll(() => server.close());

  const client = () => createLokiClient({ url: server.url, credentials: null });
  const success = (data: object) => ({ body: { status: 'success', data } });
  const range = { from_s: 1_700_000_000, to_s: 1_700_003_600 };

  it('is asked for the newest lines, which come newest first across all streams', async () => {
    server.answer(() =>
      success({
        resultType: 'streams',
        result: [
          {
            stream: { service: 'gateway', level: 'error' },
            values: [
              ['1700000003000000001', '{"msg":"third"}'],
              ['1700000001000000000', 'first'],
            ],
          },
          {
            stream: { service: 'runner' },
            values: [['1700000003000000000', 'second', { structuredMetadata: { tenant_id: 'acme' } }]],
          },
        ],
        stats: {},
      }),
    );
    const lines = await client().lines('{env="prod"}', { ...range, limit: 501 });
    expect(lines).toEqual([
      {
        time: '2023-11-14T22:13:23.000Z',
        text: '{"msg":"third"}',
        labels: { service: 'gateway', level: 'error' },
      },
      { time: '2023-11-14T22:13:23.000Z', text: 'second', labels: { service: 'runner' } },
      {
        time: '2023-11-14T22:13:21.000Z',
        text: 'first',
        labels: { service: 'gateway', level: 'error' },
      },
    ]);
    const [request] = server.requests;
    expect(request?.path).toBe('/loki/api/v1/query_range');
    expect(Object.fromEntries(request?.query ?? [])).toEqual({
      query: '{env="prod"}',
      start: '1700000000',
      end: '1700003600',
      limit: '501',
      direction: 'backward',
    });
  });

  it('counts lines over time and at one moment', async () => {
    server.answer(({ path }) =>
      path.endsWith('query_range')
        ? success({
            resultType: 'matrix',
            result: [{ metric: { service: 'runner' }, values: [[1_700_000_000, '0.5']] }],
          })
        : success({
            resultType: 'vector',
            result: [{ metric: { kind: 'timeout' }, value: [1_700_000_000.5, '7'] }],
          }),
    );
    expect(await client().queryRange('rate', { ...range, step_s: 15 })).toEqual([
      { labels: { service: 'runner' }, points: [[1_700_000_000, 0.5]] },
    ]);
    expect(await client().query('count', range.to_s)).toEqual([
      { labels: { kind: 'timeout' }, points: [[1_700_000_000.5, 7]] },
    ]);
  });

  it.each<[string, unknown]>([
    ['a time that is none', [['yesterday', 'line']]],
    ['a line that is no text', [['1700000001000000000', 7]]],
  ])('that answers %s is not believed', async (_what, values) => {
    server.answer(() => success({ resultType: 'streams', result: [{ stream: {}, values }] }));
    await expect(client().lines('{}', { ...range, limit: 1 })).rejects.toMatchObject({
      code: 'bad_response',
      detail: expect.stringContaining('/data/result/0/values/0'),
    });
  });

  it('that refuses a query says why in plain text', async () => {
    server.answer(() => ({ status: 400, body: 'parse error at line 1, col 2: syntax error\n' }));
    await expect(client().lines('{', { ...range, limit: 1 })).rejects.toThrow(
      `Loki ${server.url}: /loki/api/v1/query_range answers 400: parse error at line 1, col 2: syntax error`,
    );
  });

  it('is known by its build, so that another server at its address is noticed', async () => {
    server.answer(({ path }) =>
      path === '/loki/api/v1/status/buildinfo' ? { body: { version: '3.7.6' } } : { status: 404, body: '' },
    );
    await client().check();
    server.answer(() => ({ body: '<html>Grafana</html>' }));
    await expect(client().check()).rejects.toMatchObject({ code: 'bad_response' });
  });
});
