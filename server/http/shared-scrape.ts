/** One read for all metrics of a scrape, which the registry collects at the same time. */

/** Scrapes are 15 s apart; a second scraper may read what the first one did. */
const FRESH_MS = 3_000;

/** Answers what `read` last answered, unless that is older than three seconds. A read that failed is tried again by the next caller. */
export function sharedByScrape<T>(
  read: () => Promise<T>,
  now: () => number = () => performance.now(),
): () => Promise<T> {
  let last: { at: number; answer: Promise<T> } | null = null;
  return () => {
    if (last !== null && now() - last.at < FRESH_MS) return last.answer;
    const current = { at: now(), answer: read() };
    last = current;
    current.answer.catch(() => {
      if (last === current) last = null;
    });
    return current.answer;
  };
}
