/** Whom a change would touch, asked before it is made. */
import { useDebouncedValue } from '@mantine/hooks';
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import type { Endpoint, ResponseOf } from '#contract/endpoint.ts';
import type { AccessPreview, AffectedUser, ScopedPermission } from '#contract/iam.ts';
import { call, type Answer, type CallArguments, type CallInput } from '#ui/api/client.ts';
import { plural } from '#ui/patterns/format.ts';
import { ProblemAlert } from '#ui/patterns/problem-alert.tsx';
import classes from './access-preview.module.css';
import { scopeText } from './scope-label.tsx';

const SHOWN_USERS = 5;
const TYPING_MS = 250;

/** The preview of a change; null input = nothing to ask about yet. Asked anew whenever the input changes. */
export function PreviewOf<E extends Endpoint>({
  endpoint,
  input,
  show,
}: {
  endpoint: E;
  input: CallInput<E> | null;
  show: (preview: ResponseOf<E>) => ReactNode;
}) {
  const [asked] = useDebouncedValue(input, TYPING_MS);
  const { data, error, failureReason, isPlaceholderData, refetch } = useQuery<Answer<E>>({
    queryKey: [endpoint.id, JSON.stringify(asked)],
    queryFn: ({ signal }) => {
      const question = { ...asked, signal } as unknown;
      return call(endpoint, ...([question] as CallArguments<E>));
    },
    enabled: asked !== null,
    networkMode: 'always',
    placeholderData: keepPreviousData,
    staleTime: 0,
    gcTime: 0,
  });
  if (input === null) return null;
  // Said from the first failure on: it is asked for again meanwhile, but may go on failing.
  const failure = error ?? (data === undefined || isPlaceholderData ? failureReason : null);
  if (failure) return <ProblemAlert error={failure} onRetry={() => void refetch()} />;
  if (!data) return <p className={classes.quiet}>Looking at who this touches…</p>;
  return show(data.data);
}

const showAccess = (preview: unknown) => <Preview preview={preview as AccessPreview} />;

/** Who would gain or lose what. */
export const AccessPreviewOf = <E extends Endpoint>(asked: { endpoint: E; input: CallInput<E> | null }) => (
  <PreviewOf {...asked} show={showAccess} />
);

function Preview({ preview }: { preview: AccessPreview }) {
  const { blockers, users, user_count, session_count, token_count } = preview;
  const more = user_count - Math.min(users.length, SHOWN_USERS);
  const touched = [
    session_count > 0 && plural(session_count, 'live session'),
    token_count > 0 && plural(token_count, 'API token'),
  ].filter(Boolean);
  return (
    <section className={classes.preview} aria-label="What this changes" aria-live="polite">
      {blockers.map(({ code, detail }) => (
        <p key={code} className={classes.blocker} role="alert">
          {detail}
        </p>
      ))}
      <p>
        {user_count === 0
          ? 'Nobody gains or loses anything by this.'
          : `${plural(user_count, 'user')} ${effectOn(users, user_count)}${touched.length > 0 ? `, felt by ${touched.join(' and ')} on the next request` : ''}.`}
      </p>
      <ul className={classes.users}>
        {users.slice(0, SHOWN_USERS).map((user) => (
          <Affected key={user.user_id} user={user} />
        ))}
      </ul>
      {more > 0 && <p className={classes.quiet}>and {plural(more, 'user')} more</p>}
    </section>
  );
}

/** "gains something"; both where not all users are listed: one of the others may fare otherwise. */
function effectOn(listed: readonly AffectedUser[], count: number): string {
  const all = listed.length === count;
  const gains = !all || listed.some((user) => user.gains.length > 0);
  const loses = !all || listed.some((user) => user.loses.length > 0);
  const verbs = count === 1 ? ['gains', 'loses'] : ['gain', 'lose'];
  return `${verbs.filter((_, index) => (index === 0 ? gains : loses)).join(' or ')} something`;
}

const Affected = ({ user }: { user: AffectedUser }) => (
  <li>
    <span className={classes.email}>{user.email}</span>
    <Permissions verb="gains" permissions={user.gains} />
    <Permissions verb="loses" permissions={user.loses} />
  </li>
);

function Permissions({ verb, permissions }: { verb: 'gains' | 'loses'; permissions: ScopedPermission[] }) {
  if (permissions.length === 0) return null;
  const byScope = Map.groupBy(permissions, scopeText);
  return [...byScope].map(([scope, here]) => (
    <p key={scope} className={classes.permissions} data-verb={verb}>
      {verb} <span className={classes.scope}>{scope}</span>:{' '}
      {here.map(({ permission }) => permission).join(', ')}
    </p>
  ));
}
