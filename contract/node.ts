import { Type, type Static } from 'typebox';

/**
 * The node contract: what every platform node (gateway, aggregate, projection, runner) answers to the control plane.
 * Prose, semantics and deadlines: `docs/node-contract.md`. Objects are open: a newer node may say more than is listed here.
 */

const Count = Type.Integer({ minimum: 0 });
const Timestamp = Type.String({ format: 'date-time' });

export const NodeKindSchema = Type.Union([
  Type.Literal('gateway'),
  Type.Literal('aggregate'),
  Type.Literal('projection'),
  Type.Literal('runner'),
]);

/** `GET /health` */
export const NodeHealthSchema = Type.Object({ status: Type.Literal('ok') });

/** `GET /ready`: 200 when `ready`, 503 with the same body when not. `detail` says why a check fails, or what it saw. */
export const NodeReadySchema = Type.Object({
  ready: Type.Boolean(),
  checks: Type.Array(Type.Object({ name: Type.String(), ok: Type.Boolean(), detail: Type.String() })),
});
export type NodeReady = Static<typeof NodeReadySchema>;

/** Storage of one node, in bytes. `ok` is false when the store reports errors; a full store can still be `ok`. */
export const NodeStorageSchema = Type.Object({
  ok: Type.Boolean(),
  used_bytes: Count,
  capacity_bytes: Count,
});

/** What the process of a node uses and does: processor cores and requests a second over the last interval, resident bytes. */
export const NodeLoadSchema = Type.Object({
  cpu_cores: Type.Number({ minimum: 0 }),
  memory_bytes: Count,
  requests_per_s: Type.Number({ minimum: 0 }),
});

/** `GET /admin/status`. A node that does not measure its load leaves it out. `inflight` counts units of work, `consumer_lag` counts messages not yet processed. */
export const NodeStatusSchema = Type.Object({
  node_id: Type.String({ minLength: 1 }),
  kind: NodeKindSchema,
  environment: Type.String({ minLength: 1 }),
  version: Type.String(),
  git_sha: Type.String(),
  shards: Type.Array(Type.String()),
  placement_revision: Count,
  definitions_digest: Type.Union([Type.String(), Type.Null()]),
  config_revision: Count,
  draining: Type.Boolean(),
  inflight: Count,
  consumer_lag: Count,
  storage: NodeStorageSchema,
  load: Type.Optional(NodeLoadSchema),
});
export type NodeStatus = Static<typeof NodeStatusSchema>;

export const NODE_TENANT_STATES = ['absent', 'active', 'draining', 'drained'] as const;
export type NodeTenantState = (typeof NODE_TENANT_STATES)[number];

/** What stands in the way of draining a tenant on this node; `code` is stable, `detail` is for people. */
export const NodeTenantBlockerSchema = Type.Object({ code: Type.String(), detail: Type.String() });
export type NodeTenantBlocker = Static<typeof NodeTenantBlockerSchema>;

/** `GET /admin/tenants/{tenant_id}`, and the answer to its drain and resume. All of it as of `placement_revision`. */
export const NodeTenantSchema = Type.Object({
  tenant_id: Type.String({ minLength: 1 }),
  state: Type.Union([
    Type.Literal('absent'),
    Type.Literal('active'),
    Type.Literal('draining'),
    Type.Literal('drained'),
  ]),
  inflight: Count,
  consumer_lag: Count,
  blockers: Type.Array(NodeTenantBlockerSchema),
  placement_revision: Count,
});
export type NodeTenant = Static<typeof NodeTenantSchema>;

/** Body of `POST /admin/tenants/{tenant_id}/drain`: after `deadline` the node names the drain as overdue. */
export const NodeDrainRequestSchema = Type.Object({ deadline: Timestamp }, { additionalProperties: false });
export type NodeDrainRequest = Static<typeof NodeDrainRequestSchema>;

/** Answer to `POST /admin/reload`: the revision that the node serves from now on. */
export const NodeReloadSchema = Type.Object({ node_id: Type.String(), placement_revision: Count });
export type NodeReload = Static<typeof NodeReloadSchema>;

/** Body of `POST /admin/rebuild` (projection nodes). Without `tenant_id` the view is rebuilt for every tenant of the node. */
export const NodeRebuildRequestSchema = Type.Object(
  {
    view: Type.String({ minLength: 1, maxLength: 128 }),
    tenant_id: Type.Optional(Type.String({ minLength: 1 })),
  },
  { additionalProperties: false },
);

/** Answer to `POST /admin/rebuild`. */
export const NodeRebuildSchema = Type.Object({
  view: Type.String(),
  tenant_id: Type.Union([Type.String(), Type.Null()]),
  state: Type.Union([Type.Literal('running'), Type.Literal('done')]),
  started_at: Timestamp,
});
export type NodeRebuild = Static<typeof NodeRebuildSchema>;

/** A session of a tenant's end user with its refresh-token family, as a gateway keeps it. `session_id` is the `sid` of its access tokens. */
export const NodeSessionSchema = Type.Object({
  session_id: Type.String({ minLength: 1, maxLength: 200 }),
  family_id: Type.String({ minLength: 1, maxLength: 200 }),
  tenant_id: Type.String({ minLength: 1, maxLength: 128 }),
  user_id: Type.String({ minLength: 1, maxLength: 128 }),
  created_at: Timestamp,
  last_seen_at: Timestamp,
  expires_at: Timestamp,
  ip: Type.String({ maxLength: 64 }),
  user_agent: Type.String({ maxLength: 512 }),
  ended_at: Type.Union([Timestamp, Type.Null()]),
  /** Why it ended before its time: the person left, an operator ended it, or a used refresh token came again. */
  ended_reason: Type.Union([
    Type.Literal('signed_out'),
    Type.Literal('revoked'),
    Type.Literal('refresh_token_reused'),
    Type.Null(),
  ]),
});
export type NodeSession = Static<typeof NodeSessionSchema>;

/** Where a reader of the changes is: the history that `revision` counts in, and the last change that it has taken in. */
const position = { feed: Type.String({ minLength: 1, maxLength: 64 }), revision: Count };

/** `GET /admin/sessions?tenant_id=&cursor=` (gateways): at most 200 a page, ended ones too. */
export const NodeSessionListSchema = Type.Object({
  ...position,
  items: Type.Array(NodeSessionSchema, { maxItems: 200 }),
  next_cursor: Type.Union([Type.String(), Type.Null()]),
});
export type NodeSessionList = Static<typeof NodeSessionListSchema>;

/** `GET /admin/sessions/changes?feed=&since=`: each session once, as it is now, that changed after `since`; `more`: ask again at once. */
export const NodeSessionChangesSchema = Type.Object({
  ...position,
  items: Type.Array(NodeSessionSchema, { maxItems: 200 }),
  more: Type.Boolean(),
});
export type NodeSessionChanges = Static<typeof NodeSessionChangesSchema>;

/** Body of `POST /admin/sessions/revoke`: these sessions, or all of a tenant, or all of one of its end users. */
export const NodeSessionRevokeRequestSchema = Type.Union([
  Type.Object(
    {
      session_ids: Type.Array(Type.String({ minLength: 1, maxLength: 200 }), { minItems: 1, maxItems: 200 }),
    },
    { additionalProperties: false },
  ),
  Type.Object(
    { tenant_id: Type.String({ minLength: 1 }), user_id: Type.Optional(Type.String({ minLength: 1 })) },
    { additionalProperties: false },
  ),
]);
export type NodeSessionRevokeRequest = Static<typeof NodeSessionRevokeRequestSchema>;

/** Answer to it: how many sessions ended by this call. */
export const NodeSessionRevocationSchema = Type.Object({ revoked: Count });
export type NodeSessionRevocation = Static<typeof NodeSessionRevocationSchema>;

/** Error body of every node endpoint (RFC 9457, `application/problem+json`); `code` is stable. */
export const NodeProblemSchema = Type.Object({
  type: Type.String(),
  title: Type.String(),
  status: Type.Integer(),
  detail: Type.String(),
  code: Type.String(),
  request_id: Type.String(),
});
export type NodeProblem = Static<typeof NodeProblemSchema>;
