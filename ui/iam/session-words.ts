import type { Session } from '#contract/iam.ts';
import { plural } from '#ui/patterns/format.ts';
import { deviceName } from './device-name.ts';

export const SOURCE_NAMES = {
  control: 'Control plane',
  gateway: 'Gateway',
} as const satisfies Record<Session['source'], string>;

export const CLIENT_NAMES = {
  browser: 'Browser',
  cli: 'Command line',
} as const satisfies Record<NonNullable<Session['client']>, string>;

/** On what a session is: a browser in a few words, or the machine of a command line as it calls itself. */
export const deviceOf = ({ client, user_agent }: Pick<Session, 'client' | 'user_agent'>): string =>
  client === 'cli' ? (user_agent.split(' (')[0] ?? user_agent) : deviceName(user_agent);

/** Whose a session is: one of our users by email, an end user by the tenant's name for them. */
export const ownerName = ({ user_email, end_user_id }: Session): string =>
  user_email ?? end_user_id ?? 'unknown';

/** "3 users and 1 end user": whose the sessions are. */
export function ownersOf(sessions: readonly Session[]): string {
  const users = new Set(sessions.map(({ user_id }) => user_id).filter((id) => id !== null));
  const endUsers = new Set(
    sessions
      .filter(({ source }) => source === 'gateway')
      .map(({ environment, tenant_id, end_user_id }) => `${environment} ${tenant_id} ${end_user_id}`),
  );
  return [
    users.size > 0 && plural(users.size, 'user'),
    endUsers.size > 0 && plural(endUsers.size, 'end user'),
  ]
    .filter(Boolean)
    .join(' and ');
}
