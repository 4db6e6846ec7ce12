/** The LogSource port over Loki's HTTP API. */
import { Type } from 'typebox';
import { Compile } from 'typebox/compile';
import { createJsonClient, type HttpServer } from '#server/adapters/http/json-client.ts';
import {
  matrixAnswer,
  seriesOfMatrix,
  seriesOfVector,
  vectorAnswer,
} from '#server/adapters/http/prometheus-answer.ts';
import type { LogSource } from '#server/observability/log-source.ts';

/** Nanoseconds since 1970. */
const Moment = Type.String({ pattern: '^[0-9]{1,19}$' });
const Text = Type.String();

const linesAnswer = Compile(
  Type.Object({
    status: Type.Literal('success'),
    data: Type.Object({
      resultType: Type.Literal('streams'),
      result: Type.Array(
        Type.Object({
          stream: Type.Record(Type.String(), Type.String()),
          // Newer versions add the line's metadata when they are asked to.
          values: Type.Array(
            Type.Union([Type.Tuple([Moment, Text]), Type.Tuple([Moment, Text, Type.Unknown()])]),
          ),
        }),
      ),
    }),
  }),
);
const buildAnswer = Compile(Type.Object({ version: Type.String() }));

const NANOSECONDS_PER_MS = 1_000_000n;

export function createLokiClient(server: HttpServer): LogSource {
  const { call, source, address } = createJsonClient('Loki', server);
  return {
    source,
    address,
    lines: async (expression, { from_s, to_s, limit }, options = {}) => {
      const { data } = await call({
        ...options,
        path: '/loki/api/v1/query_range',
        query: { query: expression, start: from_s, end: to_s, limit, direction: 'backward' },
        answer: linesAnswer,
      });
      const lines = data.result.flatMap(({ stream, values }) =>
        values.map(([at, text]) => ({ at: BigInt(at), text, labels: stream })),
      );
      // Newest first within each stream only; the streams are to be merged.
      return lines
        .sort((left, right) => (left.at === right.at ? 0 : left.at < right.at ? 1 : -1))
        .map(({ at, text, labels }) => ({
          time: new Date(Number(at / NANOSECONDS_PER_MS)).toISOString(),
          text,
          labels,
        }));
    },
    queryRange: async (expression, { from_s, to_s, step_s }, options = {}) =>
      seriesOfMatrix(
        await call({
          ...options,
          path: '/loki/api/v1/query_range',
          query: { query: expression, start: from_s, end: to_s, step: step_s },
          answer: matrixAnswer,
        }),
      ),
    query: async (expression, at_s, options = {}) =>
      seriesOfVector(
        await call({
          ...options,
          path: '/loki/api/v1/query',
          query: { query: expression, time: at_s },
          answer: vectorAnswer,
        }),
      ),
    check: async (options = {}) => {
      await call({ ...options, path: '/loki/api/v1/status/buildinfo', answer: buildAnswer });
    },
  };
}
