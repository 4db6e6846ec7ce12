/**
 * Reads the same thing once for everybody who asks at the same time. Who asks while a read is under way gets the next one, which
 * begins afterwards: what was written before the question is always seen, as if each had read alone.
 */
export function shareReads<T>(read: (key: string) => Promise<T>): (key: string) => Promise<T> {
  const lanes = new Map<string, { current: Promise<T>; next: Promise<T> | null }>();
  const begin = (key: string): Promise<T> => {
    const lane = { current: read(key), next: null as Promise<T> | null };
    lanes.set(key, lane);
    const end = () => {
      if (lane.next === null && lanes.get(key) === lane) lanes.delete(key);
    };
    lane.current.then(end, end);
    return lane.current;
  };
  return (key) => {
    const lane = lanes.get(key);
    if (!lane) return begin(key);
    return (lane.next ??= lane.current.then(
      () => begin(key),
      () => begin(key),
    ));
  };
}
