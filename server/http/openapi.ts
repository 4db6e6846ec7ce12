/** The OpenAPI 3.1 document, derived from the endpoint descriptors. */
import type { TSchema } from 'typebox';
import { AwaitsApproval } from '#contract/common.ts';
import type { Endpoint } from '#contract/endpoint.ts';
import { ENDPOINTS } from '#contract/endpoints.ts';
import { Problem, PROBLEMS, type ProblemCode } from '#contract/problem.ts';

const STEP_UP = {
  none: '',
  recent: 'Step-up: the session must have authenticated within 5 minutes (RFC 9470, `acr_values="recent"`).',
  bound:
    'Step-up: needs a one-time proof for this very body (RFC 9470, `acr_values="bound"`): POST /admin/v1/iam/step-up with `request_hash`, then send `x-step-up-proof`.',
};

const asJson = (schema: TSchema): unknown => JSON.parse(JSON.stringify(schema));

function parametersOf(endpoint: Endpoint): unknown[] {
  const of = (schema: TSchema | undefined, where: 'path' | 'query') => {
    const { properties = {}, required = [] } = (schema ?? {}) as {
      properties?: Record<string, TSchema>;
      required?: string[];
    };
    return Object.entries(properties).map(([name, property]) => ({
      name,
      in: where,
      required: where === 'path' || required.includes(name),
      schema: asJson(property),
    }));
  };
  const header = (name: string, required: boolean, description: string) => ({
    name,
    in: 'header',
    required,
    description,
    schema: { type: 'string' },
  });
  return [
    ...of(endpoint.params, 'path'),
    ...of(endpoint.query, 'query'),
    ...(endpoint.etag === 'requires' ? [header('If-Match', true, 'ETag of what you read')] : []),
    ...(endpoint.method !== 'GET' && endpoint.permission !== 'public'
      ? [
          header('Idempotency-Key', false, 'The same key and body answer the first answer again'),
          header('x-csrf-token', false, 'csrf_token of login or me; needed with a session cookie'),
        ]
      : []),
    ...(endpoint.stream ? [header('Last-Event-ID', false, 'Resume after this event')] : []),
  ];
}

/** Every problem that the endpoint may answer, by status. */
function problemsOf(endpoint: Endpoint): Record<string, unknown> {
  const codes: ProblemCode[] = [
    'validation_failed',
    'rate_limited',
    'internal',
    'unavailable',
    ...(endpoint.permission === 'public'
      ? []
      : (['unauthenticated', 'session_revoked', 'permission_denied'] as const)),
    ...(endpoint.step_up === 'none' ? [] : (['insufficient_user_authentication'] as const)),
    ...(endpoint.method === 'GET'
      ? []
      : ([
          'malformed_json',
          'csrf_failed',
          'body_too_large',
          'unsupported_media_type',
          'idempotency_in_progress',
          'idempotency_mismatch',
        ] as const)),
    ...(endpoint.etag === 'requires' ? (['precondition_required', 'precondition_failed'] as const) : []),
    ...(endpoint.problems ?? []),
  ];
  const byStatus = Map.groupBy(new Set(codes), (code) => PROBLEMS[code].status);
  return Object.fromEntries(
    [...byStatus]
      .sort(([a], [b]) => a - b)
      .map(([status, group]) => [
        status,
        {
          description: group.map((code) => `\`${code}\`: ${PROBLEMS[code].title}`).join('\n\n'),
          content: {
            [endpoint.oauth ? 'application/json' : 'application/problem+json']: {
              schema: { $ref: '#/components/schemas/Problem' },
            },
          },
        },
      ]),
  );
}

function operationOf(endpoint: Endpoint): unknown {
  const permission =
    endpoint.permission === 'public'
      ? 'Needs no session.'
      : endpoint.permission === 'authenticated'
        ? 'Any signed-in principal.'
        : `Permission: \`${endpoint.permission}\`.`;
  return {
    operationId: endpoint.id,
    tags: [endpoint.path.split('/')[3]],
    summary: endpoint.summary,
    description: [endpoint.description, permission, STEP_UP[endpoint.step_up]].filter(Boolean).join('\n\n'),
    parameters: parametersOf(endpoint),
    ...(endpoint.body && {
      requestBody: {
        required: true,
        content: {
          'application/json': { schema: asJson(endpoint.body) },
          ...(endpoint.oauth && { 'application/x-www-form-urlencoded': { schema: asJson(endpoint.body) } }),
        },
      },
    }),
    responses: {
      ...(endpoint.approvable && {
        202: {
          description: 'Asked for approvals, where a policy wants them: nothing has happened yet',
          content: { 'application/json': { schema: asJson(AwaitsApproval) } },
        },
      }),
      [endpoint.status]: {
        description: 'Done',
        content: {
          [endpoint.stream ? 'text/event-stream' : 'application/json']: { schema: asJson(endpoint.response) },
        },
      },
      ...problemsOf(endpoint),
    },
    security: endpoint.permission === 'public' ? [] : [{ session: [] }, { api_token: [] }],
  };
}

export function openApiDocument(): object {
  const paths: Record<string, Record<string, unknown>> = {};
  for (const endpoint of ENDPOINTS) {
    const path = endpoint.path.replace(/:(\w+)/g, '{$1}');
    (paths[path] ??= {})[endpoint.method.toLowerCase()] = operationOf(endpoint);
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'Cloudlysis Control Admin API',
      version: '1',
      description:
        'Every change names a `job_id`. Errors are RFC 9457 problem details. Lists are paged by `cursor`. Sign in with `POST /admin/v1/iam/login` or send `Authorization: Bearer <API token>`.',
    },
    servers: [{ url: '/' }],
    paths,
    components: {
      schemas: { Problem: asJson(Problem) },
      securitySchemes: {
        session: { type: 'apiKey', in: 'cookie', name: '__Host-control_session' },
        api_token: { type: 'http', scheme: 'bearer' },
      },
    },
  };
}
