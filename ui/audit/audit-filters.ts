import { Slug } from '#contract/common.ts';

// TypeBox keeps the pattern at run time and drops it from the type.
const slug = Slug as unknown as { pattern: string };

/** What the API takes for filters that are typed; a part of an id fits no event and is no valid question either. */
const WHOLE: Record<string, { name: string; pattern: RegExp }> = {
  tenant_id: { name: 'tenant', pattern: new RegExp(slug.pattern) },
  job_id: { name: 'job', pattern: /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i },
};

/** The filters that can be asked, and the names of those that are still being typed. */
export function completeFilters<Q extends Record<string, string | string[]>>(
  query: Q,
): { query: Partial<Q>; incomplete: string[] } {
  const isWhole = ([name, value]: [string, string | string[]]) =>
    WHOLE[name]?.pattern.test(String(value)) ?? true;
  const entries = Object.entries(query);
  return {
    query: Object.fromEntries(entries.filter(isWhole)) as Partial<Q>,
    incomplete: entries.filter((entry) => !isWhole(entry)).map(([name]) => WHOLE[name]?.name ?? name),
  };
}
