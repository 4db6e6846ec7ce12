import { constraintOf } from '#server/db/database.ts';
import type { ControlError } from '#server/http/control-error.ts';

/** For `.catch`: what PostgreSQL refuses by this constraint becomes a problem; any other error stays what it is. */
export const insteadOf =
  (constraint: string, problem: () => ControlError) =>
  (error: unknown): never => {
    throw constraintOf(error)?.constraint === constraint ? problem() : error;
  };
