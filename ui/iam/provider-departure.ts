/** What this tab remembers while the browser is at an identity provider. Another tab, or another site, has no part in it. */
interface Departure {
  state: string;
  what: 'sign_in' | 'link';
  return_to: string;
}
const KEY = 'provider-departure';

export const rememberDeparture = (departure: Departure): void =>
  sessionStorage.setItem(KEY, JSON.stringify(departure));

/** The departure that this arrival belongs to, forgotten with it; null for an arrival that this tab did not begin. */
export function takeDeparture(state: string | null): Departure | null {
  const kept = sessionStorage.getItem(KEY);
  sessionStorage.removeItem(KEY);
  const departure = kept === null ? null : (JSON.parse(kept) as Departure);
  return departure !== null && departure.state === state ? departure : null;
}
