import type { NodeKind } from '#contract/placement-record.ts';

/** Traffic of tenants at the services' own routes, which is simulated; that of the node contract is real. */

export type Route = {
  /** Route template. */
  path: string;
  method: string;
  /** Status of a success. */
  status: string;
  /** For each request that a tenant sends to the platform. */
  share: number;
  /** Median time at rest. */
  median_s: number;
};

export const ROUTES: Record<NodeKind, readonly Route[]> = {
  gateway: [
    { path: '/v1/commands/:command_type', method: 'POST', status: '202', share: 0.5, median_s: 0.03 },
    { path: '/v1/views/:view_type', method: 'GET', status: '200', share: 0.5, median_s: 0.02 },
  ],
  aggregate: [
    { path: '/commands/:command_type', method: 'POST', status: '202', share: 0.5, median_s: 0.015 },
  ],
  projection: [{ path: '/views/:view_type', method: 'GET', status: '200', share: 0.5, median_s: 0.008 }],
  runner: [],
};

/** For each request: commands, events and effects that come of it. */
export const COMMANDS = 0.5;
export const EVENTS = 0.5;
export const EFFECTS = 0.1;

/** Share of requests that are wrong by the caller's fault: 4xx. */
export const CALLER_ERRORS = 0.01;
/** To refuse a request for its rate takes no time. */
export const REFUSAL_MEDIAN_S = 0.001;
