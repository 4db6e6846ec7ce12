/** A refusal that a node answers as problem details (`application/problem+json`). */
export class NodeProblemError extends Error {
  readonly status: number;
  readonly code: string;
  constructor(status: number, code: string, detail: string) {
    super(detail);
    this.name = 'NodeProblemError';
    this.status = status;
    this.code = code;
  }
}
