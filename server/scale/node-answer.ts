import type { Answer } from './node-rules.ts';

/** Waits for a call so that its failure is an answer too. */
export const answerOf = <T>(call: Promise<T>): Promise<Answer<T>> =>
  call.then(
    (value) => ({ ok: true, value }),
    (error: unknown) => ({ ok: false, error }),
  );
