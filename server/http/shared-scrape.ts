/** One read for all metrics of a scrape, which the registry collects at the same time. */

/** Scrapes are 15 s apart; a second scraper may read what the first one did. */
const FRESH_MS = 3_000;

/** Answers what `read` last answered, unless that is older than `freshMs`. A read that failed is tried again by the next caller. */
export function sharedByScrape<T>(read: () => Promise<T>, freshMs = FRESH_MS): () => Promise<T> {
  let last: { at: number; answer: Promise<T> } | null = null;
  return () => {
    if (last !== null && performance.now() - last.at < freshMs) return last.answer;
    const current = { at: performance.now(), answer: read() };
    last = current;
    current.answer.catch(() => {
      if (last === current) last = null;
    });
    return current.answer;
  };
}
