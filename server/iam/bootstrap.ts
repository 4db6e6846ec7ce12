/** What a new installation starts with: the built-in roles and the first owner. Safe to run in every replica at every start. */
import { randomInt, randomUUIDv7 } from 'node:crypto';
import { sql } from 'kysely';
import { ROLE_TEMPLATES } from '#contract/permissions.ts';
import type { Database, Tx } from '#server/db/database.ts';
import { diffOf } from '#server/audit/audit-diff.ts';
import { hashPassword } from './password-hashing.ts';
import { commonPasswords } from './common-passwords.ts';
import { passwordFault } from './password-rules.ts';

/** Any constant, the same in every replica; the migrations have the one before. */
const BOOTSTRAP_LOCK = 7_070_002;
const MIN_PASSWORD_LENGTH = 12;

/** Letters and digits that nobody confuses when reading one out: no 0 O, 1 l I. */
const ALPHABET = 'ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz23456789';
const GROUPS = 5;
const GROUP_LENGTH = 5;

const inTurn = <T>(db: Database, work: (tx: Tx) => Promise<T>): Promise<T> =>
  db.transaction().execute(async (tx) => {
    await sql`select pg_advisory_xact_lock(${BOOTSTRAP_LOCK})`.execute(tx);
    return work(tx);
  });

/** There is no request and nobody who calls: the control plane itself acts. */
async function recordAsSystem(
  tx: Tx,
  action: string,
  target: { type: string; id: string },
  before: object | null,
  after: object,
): Promise<void> {
  await tx
    .insertInto('audit_events')
    .values({
      actor_type: 'system',
      actor_label: 'control plane',
      action,
      outcome: 'succeeded',
      target_type: target.type,
      target_id: target.id,
      changes: JSON.stringify(diffOf(before, after)),
    })
    .execute();
}

/** Brings the built-in roles to this version's templates; writes only what differs. A role of the same name that people made becomes built in. */
export async function seedRoleTemplates(db: Database): Promise<void> {
  await inTurn(db, async (tx) => {
    const rows = await tx
      .selectFrom('roles')
      .select(['role_id', 'title', 'description', 'permissions', 'built_in'])
      .execute();
    const present = new Map(rows.map(({ role_id, ...content }) => [role_id, content]));
    for (const [role_id, { title, description, permissions }] of Object.entries(ROLE_TEMPLATES)) {
      const before = present.get(role_id) ?? null;
      const after = { title, description, permissions: [...permissions], built_in: true };
      if (diffOf(before, after).length === 0) continue;
      await tx
        .insertInto('roles')
        .values({ role_id, ...after })
        .onConflict((conflict) =>
          conflict
            .column('role_id')
            .doUpdateSet({ ...after, revision: sql`roles.revision + 1`, updated_at: sql`now()` }),
        )
        .execute();
      await recordAsSystem(tx, 'iam.roles.seed', { type: 'role', id: role_id }, before, after);
    }
  });
}

export interface FirstOwner {
  email: string;
  password: string;
  generated: boolean;
  weakness: string | null;
}

/**
 * Creates the first owner while there is no user at all, and answers how they sign in; null when there are users. `generated`: the
 * password was made here, so show it once. A weak password that was given is taken, because who gives it owns the machine; `weakness`
 * says what is wrong with it. Throws, with a sentence for the person who starts the server, on an unfit email.
 */
export async function createFirstOwner(
  db: Database,
  { email, password: given = null }: { email: string; password?: string | null | undefined },
): Promise<FirstOwner | null> {
  const anyUser = (handle: Database) =>
    handle.selectFrom('users').select('user_id').limit(1).executeTakeFirst();
  if (await anyUser(db)) return null;
  const owner = { email, display_name: 'Owner' };
  assertEmail(email);
  const password = given ?? readablePassword();
  const password_hash = await hashPassword(password);
  return inTurn(db, async (tx) => {
    if (await anyUser(tx)) return null;
    const user_id = randomUUIDv7();
    await tx
      .insertInto('users')
      .values({ user_id, ...owner, status: 'active', password_hash })
      .execute();
    await tx
      .insertInto('assignments')
      .values({ user_id, role_id: 'owner', created_by: 'control plane' })
      .execute();
    await recordAsSystem(tx, 'iam.users.create', { type: 'user', id: user_id }, null, {
      ...owner,
      status: 'active',
      roles: ['owner'],
    });
    return {
      email,
      password,
      generated: given === null,
      weakness: given === null ? null : await weaknessOf(owner, given),
    };
  });
}

function assertEmail(email: string): void {
  if (!/^[^\s@]+@[^\s@]+$/.test(email))
    throw new FirstOwnerError(`The first owner's email "${email}" is not an email address.`);
}

const weaknessOf = async (owner: { email: string; display_name: string }, password: string) =>
  password.length < MIN_PASSWORD_LENGTH
    ? `It needs ${MIN_PASSWORD_LENGTH} characters at least.`
    : passwordFault(password, owner, await commonPasswords());

/** Something that whoever starts the server has to put right. */
export class FirstOwnerError extends Error {}

/** Five groups of five characters, about 146 bits: as easy to read out as it is hard to guess. */
function readablePassword(): string {
  const group = () =>
    Array.from({ length: GROUP_LENGTH }, () => ALPHABET.charAt(randomInt(ALPHABET.length))).join('');
  return Array.from({ length: GROUPS }, group).join('-');
}
