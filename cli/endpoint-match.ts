/** Pure: finds the endpoint of the contract that a method and a path mean. */
import type { Endpoint } from '#contract/endpoint.ts';

const PREFIX = '/admin/v1';
const NEAREST = 3;

/** The path as the server takes it; `/admin/v1` may be left out. */
export function fullPath(path: string): string {
  const rooted = path.startsWith('/') ? path : `/${path}`;
  return rooted === PREFIX || rooted.startsWith(`${PREFIX}/`) ? rooted : PREFIX + rooted;
}

const partsOf = (path: string): string[] =>
  (path.split('?')[0] ?? '').split('/').filter((part) => part !== '');

/** The endpoint, or those whose paths are most alike. */
export function matchEndpoint(
  endpoints: readonly Endpoint[],
  method: string,
  path: string,
): { endpoint: Endpoint } | { nearest: Endpoint[] } {
  const asked = partsOf(path);
  const fits = (endpoint: Endpoint): boolean => {
    const parts = partsOf(endpoint.path);
    return (
      parts.length === asked.length &&
      parts.every((part, index) => (part.startsWith(':') ? asked[index] !== '' : part === asked[index]))
    );
  };
  // A fixed path comes before one with a parameter in the same place.
  const matches = endpoints.filter((endpoint) => endpoint.method === method && fits(endpoint));
  const [endpoint] = matches.sort((a, b) => a.path.split(':').length - b.path.split(':').length);
  if (endpoint) return { endpoint };
  const text = `${method} /${asked.join('/')}`;
  const nearest = [...endpoints]
    .map((candidate) => ({ candidate, away: distance(text, `${candidate.method} ${candidate.path}`) }))
    .sort((a, b) => a.away - b.away)
    .slice(0, NEAREST)
    .map(({ candidate }) => candidate);
  return { nearest };
}

/** Levenshtein's: how many letters have to be changed, added or left out. */
function distance(a: string, b: string): number {
  let before = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let row = 1; row <= a.length; row += 1) {
    const present = [row];
    for (let column = 1; column <= b.length; column += 1) {
      const same = a[row - 1] === b[column - 1] ? 0 : 1;
      present.push(
        Math.min((before[column] ?? 0) + 1, (present[column - 1] ?? 0) + 1, (before[column - 1] ?? 0) + same),
      );
    }
    before = present;
  }
  return before[b.length] ?? 0;
}
