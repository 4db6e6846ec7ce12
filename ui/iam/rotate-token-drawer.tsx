import { Select } from '@mantine/core';
import { useState } from 'react';
import type { Endpoint, ResponseOf } from '#contract/endpoint.ts';
import { rotateToken, type ApiToken } from '#contract/iam.ts';
import { useChange } from '#ui/api/queries.ts';
import { Mono } from '#ui/patterns/middle-truncate.tsx';
import { isReason, ReasonField } from '#ui/patterns/reason-field.tsx';
import { exactTime } from '#ui/patterns/relative-time.tsx';
import { FormDrawer } from './form-drawer.tsx';
import { TokenLife } from './token-life.tsx';
import { TokenReady } from './token-ready.tsx';

const OVERLAPS = [
  { value: '0', label: 'not at all: it ends at once' },
  { value: '1', label: 'for an hour' },
  { value: '24', label: 'for a day' },
  { value: '72', label: 'for three days' },
  { value: '168', label: 'for a week' },
];

/** Puts a new token in the place of one and shows its value, once. */
export function RotateTokenDrawer({
  token,
  touches,
  onClose,
}: {
  token: ApiToken;
  /** What is stale afterwards. */
  touches: readonly Endpoint[];
  onClose: () => void;
}) {
  const [rotated, setRotated] = useState<ResponseOf<typeof rotateToken> | null>(null);
  const [days, setDays] = useState(30);
  const [overlap, setOverlap] = useState('24');
  const [reason, setReason] = useState('');
  const rotate = useChange(rotateToken, {
    invalidates: touches,
    onSuccess: ({ data }) => setRotated(data),
  });
  if (rotated)
    return (
      <TokenReady token={rotated.token} value={rotated.value} onClose={onClose}>
        <p>
          {rotated.replaced.state === 'retiring' ? (
            <>
              The old one, <Mono>{token.prefix}…</Mono>, goes on until{' '}
              {exactTime(rotated.replaced.expires_at)}. Put the new one wherever it is used before then.
            </>
          ) : (
            <>
              The old one, <Mono>{token.prefix}…</Mono>, has ended.
            </>
          )}
        </p>
      </TokenReady>
    );
  return (
    <FormDrawer
      title={`Rotate ${token.name}`}
      verb="Rotate token"
      onClose={onClose}
      pending={rotate.isPending}
      disabled={reason.trim() !== '' && !isReason(reason)}
      error={rotate.error}
      onSubmit={() =>
        rotate.mutate({
          params: { token_id: token.token_id },
          body: {
            expires_in_days: days,
            overlap_hours: Number(overlap),
            ...(reason.trim() !== '' && { reason: reason.trim() }),
          },
        })
      }
    >
      <p>
        A new token with the same name, permissions and scope takes the place of <Mono>{token.prefix}…</Mono>.
        Both work meanwhile, so that nothing stops.
      </p>
      <TokenLife days={days} onChange={setDays} />
      <Select
        label="The old one goes on"
        description={`Never beyond its own end, ${exactTime(token.expires_at)}`}
        data={OVERLAPS}
        value={overlap}
        onChange={(value) => setOverlap(value ?? overlap)}
        allowDeselect={false}
      />
      <ReasonField value={reason} onChange={setReason} required={false} />
    </FormDrawer>
  );
}
