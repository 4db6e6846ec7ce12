/** Pure: whether a user's status allows something, by the tables of the contract. */
import { USER_UPKEEP, type User, type UserUpkeep } from '#contract/iam.ts';
import { ControlError } from '#server/http/control-error.ts';

export function assertUpkeep(what: UserUpkeep, { email, status }: Pick<User, 'email' | 'status'>): void {
  const allowed: readonly string[] = USER_UPKEEP[what];
  if (allowed.includes(status)) return;
  throw new ControlError(
    'action_not_allowed',
    `${email} is ${status}; for this a user must be ${allowed.join(' or ')}.`,
  );
}
