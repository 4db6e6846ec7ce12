/** Pure: the before/after diff of an audit event. Secrets are named as changed, never shown. */
import type { Change } from '#contract/jobs.ts';

const SECRET_KEY = /(password|secret|token|hash|proof|cookie|authorization|credential|private)/i;
/** Fields that change with every write and say nothing. */
const NOISE = new Set(['revision', 'updated_at', 'status_since']);
const REDACTED = '[redacted]';

/** Replaces the value of every secret-looking key, at any depth. */
export function redact(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(redact);
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => [
      key,
      SECRET_KEY.test(key) && inner !== null ? REDACTED : redact(inner),
    ]),
  );
}

const same = (a: unknown, b: unknown): boolean => JSON.stringify(a ?? null) === JSON.stringify(b ?? null);

/** The top-level fields that differ, as `path`, `before`, `after`; null `before` = created, null `after` = removed. */
export function diffOf(before: object | null, after: object | null): Change[] {
  const left = (before ?? {}) as Record<string, unknown>;
  const right = (after ?? {}) as Record<string, unknown>;
  return [...new Set([...Object.keys(left), ...Object.keys(right)])]
    .filter((path) => !NOISE.has(path) && !same(left[path], right[path]))
    .map((path) => {
      const secret = SECRET_KEY.test(path);
      const shown = (value: unknown) =>
        value === undefined || value === null ? null : secret ? REDACTED : redact(value);
      return { path, before: shown(left[path]), after: shown(right[path]) };
    });
}
