import { getUserSignInMethods, type UserListItem } from '#contract/iam.ts';
import { useEndpoint } from '#ui/api/queries.ts';
import { plural } from '#ui/patterns/format.ts';
import { Panel, Properties, Property } from '#ui/patterns/panel.tsx';
import { ProblemAlert } from '#ui/patterns/problem-alert.tsx';
import { RelativeTime } from '#ui/patterns/relative-time.tsx';
import { listOfMethods } from './sign-in-method-names.ts';

/** How a user can sign in, as an administrator sees it. */
export function UserSignInMethods({ user: { user_id } }: { user: UserListItem }) {
  const { data, error, refetch } = useEndpoint(getUserSignInMethods, { params: { user_id } });
  return (
    <Panel title="Signing in">
      <ProblemAlert error={error} onRetry={() => void refetch()} />
      {data && (
        <Properties>
          <Property name="Password">{data.password ? 'Set' : 'None'}</Property>
          <Property name="Authenticator app">
            {data.totp ? (
              <>
                since <RelativeTime iso={data.totp.created_at} />
              </>
            ) : (
              'None'
            )}
          </Property>
          <Property name="Passkeys">
            {data.passkeys.length > 0 ? data.passkeys.map(({ name }) => name).join(', ') : 'None'}
          </Property>
          <Property name="Recovery codes">{plural(data.recovery_codes_left, 'code')} left</Property>
          <Property name="Demanded">
            {data.policy.mfa_required ? 'a second factor; ' : ''}
            {listOfMethods(data.policy.methods)}
            {data.policy.roles.length > 0 && ` (${data.policy.roles.join(', ')})`}
          </Property>
        </Properties>
      )}
    </Panel>
  );
}
