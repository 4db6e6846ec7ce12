/** An answer that is JSON text already, written by PostgreSQL: sent as it is, without the response schema, so its SQL names each column. */
import type { Page } from '#contract/common.ts';

/** Text of a `T`. */
export class JsonText<T> {
  declare readonly of: T;
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}

/** A page whose `items` are the text of a JSON array. */
export const pageText = <T>(items: string, rest: Omit<Page<T>, 'items'>): JsonText<Page<T>> =>
  new JsonText(`{"items":${items},${JSON.stringify(rest).slice(1)}`);
