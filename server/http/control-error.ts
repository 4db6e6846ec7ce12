import { PROBLEMS, type FieldError, type ProblemCode } from '#contract/problem.ts';

interface ControlErrorOptions {
  /** Extra data of the code, shown to the caller. */
  details?: unknown;
  errors?: FieldError[];
  headers?: Record<string, string>;
  cause?: unknown;
}

/** The one error that becomes an answer: a code of the problem table and a sentence that says what, where and what to do. */
export class ControlError extends Error {
  readonly code: ProblemCode;
  readonly details: unknown;
  readonly errors: FieldError[] | undefined;
  readonly headers: Record<string, string>;

  constructor(code: ProblemCode, detail: string, options: ControlErrorOptions = {}) {
    super(detail, { cause: options.cause });
    this.name = 'ControlError';
    this.code = code;
    this.details = options.details;
    this.errors = options.errors;
    this.headers = options.headers ?? {};
  }

  get status(): number {
    return PROBLEMS[this.code].status;
  }
}

/** `not_found` in the words that every domain uses. */
export const notFound = (noun: string, id: string) =>
  new ControlError('not_found', `There is no ${noun} ${id}, or you may not see it.`);
