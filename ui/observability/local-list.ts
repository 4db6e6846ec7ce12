/** Filtering rows that were read whole, by the filters that the URL holds. Pure. */

/** Whether a row has, for every filter that is set, one of the chosen values, and the text somewhere in its words. */
export const matches = (
  fields: Record<string, string | null>,
  text: readonly (string | null)[],
  { values, q }: { values: Record<string, readonly string[]>; q: string },
): boolean => {
  const wanted = q.trim().toLowerCase();
  return (
    Object.entries(values).every(
      ([name, chosen]) => chosen.length === 0 || chosen.includes(fields[name] ?? ''),
    ) &&
    (wanted === '' || text.some((one) => one?.toLowerCase().includes(wanted)))
  );
};

/** The values that rows have under a name, for a filter's options. */
export const optionsOf = (values: readonly (string | null)[]): { value: string; label: string }[] =>
  [...new Set(values.filter((value) => value !== null))]
    .toSorted((a, b) => a.localeCompare(b))
    .map((value) => ({ value, label: value }));
