/**
 * Search parameters as people would write them: `?status=active&status=degraded`, every value a text, a repeated name a list.
 * (The router's default puts JSON into the URL.)
 */
export type SearchValue = string | string[] | undefined;

/** Search parameters of every page. `env` is the chosen environment; pages add their filters, `sort` and `cursor`. */
export interface AppSearch {
  env?: string | undefined;
  [name: string]: SearchValue;
}

export function parseSearch(text: string): AppSearch {
  const search: AppSearch = {};
  for (const [name, value] of new URLSearchParams(text)) {
    const before = search[name];
    search[name] =
      before === undefined ? value : Array.isArray(before) ? [...before, value] : [before, value];
  }
  return search;
}

export function stringifySearch(search: Record<string, unknown>): string {
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries(search)) {
    for (const one of Array.isArray(value) ? value : [value]) {
      if (typeof one === 'string' && one !== '') parameters.append(name, one);
    }
  }
  const text = parameters.toString();
  return text === '' ? '' : `?${text}`;
}

/** The first value of a parameter that holds one. */
export const oneValue = (value: SearchValue): string | undefined => (Array.isArray(value) ? value[0] : value);

/** The values of a parameter that holds many. */
export const manyValues = (value: SearchValue): string[] =>
  value === undefined ? [] : Array.isArray(value) ? value : [value];
