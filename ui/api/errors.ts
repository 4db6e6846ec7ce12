/** What a call can end with instead of an answer, and how to say it to a person. */
import type { FieldError, Problem, ProblemCode } from '#contract/problem.ts';
import { PasskeyError } from './passkeys.ts';

/** The server answered with problem details (RFC 9457). */
export class ProblemError extends Error {
  override readonly name = 'ProblemError';
  readonly problem: Problem;
  /** Seconds to wait, where the server asks for it (`Retry-After`). */
  readonly retry_after_s: number | null;
  /** When the answer came, by this machine's clock. */
  readonly received_at = Date.now();

  constructor(problem: Problem, retry_after_s: number | null = null) {
    super(`${problem.code}: ${problem.detail}`);
    this.problem = problem;
    this.retry_after_s = retry_after_s;
  }

  get code(): ProblemCode {
    return this.problem.code as ProblemCode;
  }
}

/** There was no answer, or none that the API could have given. Whether a change was carried out is not known. */
export class NetworkError extends Error {
  override readonly name = 'NetworkError';
  readonly kind: 'unreachable' | 'timeout' | 'not_json';

  constructor(kind: NetworkError['kind'], cause?: unknown) {
    super(`The control plane did not answer: ${kind}`, { cause });
    this.kind = kind;
  }
}

/** The person closed the step-up prompt: nothing was done, and there is nothing to report. */
export class StepUpCancelledError extends Error {
  override readonly name = 'StepUpCancelledError';
}

/** Whether an error is nothing that a person needs to see: a cancelled prompt, or a page that was left. */
export const isQuiet = (error: unknown): boolean =>
  error instanceof StepUpCancelledError || (error instanceof DOMException && error.name === 'AbortError');

export interface ErrorDescription {
  /** What happened. */
  title: string;
  /** Where, and what to do. */
  detail: string;
  code: string;
  request_id: string | null;
  fields: readonly FieldError[];
}

const NETWORK_WORDS: Record<NetworkError['kind'], { title: string; detail: string }> = {
  unreachable: {
    title: 'The control plane cannot be reached',
    detail: 'Check your connection. Repeating a change is safe: it is carried out once.',
  },
  timeout: {
    title: 'The control plane did not answer in time',
    detail: 'It may still be at work. Repeating a change is safe: it is carried out once.',
  },
  not_json: {
    title: 'Something else than the control plane answered',
    detail: 'A proxy between you and it may be failing. Try again, then ask who runs it.',
  },
};

/** The words for any error that a page can meet. */
export function describeError(error: unknown): ErrorDescription {
  if (error instanceof ProblemError) {
    const { title, detail, code, request_id, errors } = error.problem;
    return { title, detail, code, request_id, fields: errors ?? [] };
  }
  if (error instanceof NetworkError)
    return { ...NETWORK_WORDS[error.kind], code: error.kind, request_id: null, fields: [] };
  if (error instanceof PasskeyError)
    return {
      title: 'The passkey was not used',
      detail: error.message,
      code: 'passkey',
      request_id: null,
      fields: [],
    };
  return {
    title: 'This page failed',
    detail: error instanceof Error ? error.message : String(error),
    code: 'page_failed',
    request_id: null,
    fields: [],
  };
}

/** Messages of bad input by the name of the body's field (`/contact/email` → `contact.email`), as a form takes them. */
export function fieldErrors(error: unknown): Record<string, string> {
  if (!(error instanceof ProblemError)) return {};
  const inBody = (error.problem.errors ?? []).filter((field) => field.in === 'body' && field.pointer !== '');
  return Object.fromEntries(
    inBody.map((field) => [field.pointer.slice(1).replaceAll('/', '.'), field.message]),
  );
}
