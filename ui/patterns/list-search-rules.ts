/** What of a list's filters can be asked. */
import { Slug } from '#contract/common.ts';

// TypeBox keeps the pattern at run time and drops it from the type.
const slug = Slug as unknown as { pattern: string };

/** What the API takes for ids that are typed; a part of one fits nothing and is no valid question either. */
export const WHOLE_SLUG = new RegExp(slug.pattern);
export const WHOLE_UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
/** An address or a network; the server says what is wrong with one that only looks like it. */
export const WHOLE_ADDRESS =
  /^(\d{1,3}(\.\d{1,3}){3}|([0-9a-f]{1,4}:){7}[0-9a-f]{1,4}|[0-9a-f:.]*::[0-9a-f:.]*)(\/\d{1,3})?$/i;

/** What is needed of a filter to ask by it. */
interface AskableFilter {
  name: string;
  label: string;
  type: 'one' | 'many' | 'text' | 'time';
  /** What the endpoint takes of a text. */
  whole?: RegExp;
}

/** The question that the filters' values make, and the labels of those that are still being typed. */
export function askable(
  filters: readonly AskableFilter[],
  values: Record<string, readonly string[]>,
): { query: Record<string, string | string[]>; incomplete: string[] } {
  const query: Record<string, string | string[]> = {};
  const incomplete: string[] = [];
  for (const filter of filters) {
    const [first, ...more] = values[filter.name] ?? [];
    if (first === undefined) continue;
    if (filter.whole && !filter.whole.test(first)) incomplete.push(filter.label);
    else query[filter.name] = filter.type === 'many' ? [first, ...more] : first;
  }
  return { query, incomplete };
}
