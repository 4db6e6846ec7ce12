import type { AwaitsApproval } from '#contract/common.ts';

/** What a handler answers when the operation was kept as a request for approval: 202, whatever its own status. */
export class AwaitingApproval {
  readonly body: AwaitsApproval;
  constructor(body: AwaitsApproval) {
    this.body = body;
  }
}
