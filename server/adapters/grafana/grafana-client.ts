/** The AnnotationSink port over Grafana's HTTP API. */
import { Type } from 'typebox';
import { Compile } from 'typebox/compile';
import { createJsonClient, type HttpServer } from '#server/adapters/http/json-client.ts';
import type { AnnotationSink } from '#server/observability/annotation-sink.ts';

const healthAnswer = Compile(Type.Object({ database: Type.String() }));
const annotationsAnswer = Compile(Type.Array(Type.Object({ id: Type.Integer() })));
const writtenAnswer = Compile(Type.Object({ id: Type.Integer() }));

export function createGrafanaClient(server: HttpServer): AnnotationSink {
  const { call, source, address } = createJsonClient('Grafana', server);
  return {
    source,
    address,
    has: async (tags, options = {}) => {
      const found = await call({
        ...options,
        path: '/api/annotations',
        query: { type: 'annotation', matchAny: 'false', limit: 1, tags },
        answer: annotationsAnswer,
      });
      return found.length > 0;
    },
    write: async ({ time_ms, text, tags }, options = {}) => {
      await call({
        ...options,
        method: 'POST',
        path: '/api/annotations',
        body: { time: time_ms, text, tags },
        answer: writtenAnswer,
      });
    },
    check: async (options = {}) => {
      await call({ ...options, path: '/api/health', answer: healthAnswer });
      // Its health asks for no credentials; what they are good for does.
      if (server.credentials !== null) {
        await call({ ...options, path: '/api/annotations', query: { limit: 1 }, answer: annotationsAnswer });
      }
    },
  };
}
