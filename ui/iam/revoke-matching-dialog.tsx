/** Ends all live sessions that fit a filter: the plan says how many, whose, and whether one's own is among them; then the job runs. */
import { Checkbox } from '@mantine/core';
import { useRef, useState } from 'react';
import {
  planRevokeMatching,
  revokeMatching,
  type RevokeMatchingPlan,
  type SessionsToEnd,
} from '#contract/iam/session-endings.ts';
import { call } from '#ui/api/client.ts';
import { PlanDialog } from '#ui/patterns/plan-dialog.tsx';
import { RelativeTime } from '#ui/patterns/relative-time.tsx';
import classes from './revoke-matching-dialog.module.css';

type Matching = RevokeMatchingPlan['matching'];

export function RevokeMatchingDialog({ filter, onClose }: { filter: SessionsToEnd; onClose: () => void }) {
  const [includeOwn, setIncludeOwn] = useState(false);
  const [matching, setMatching] = useState<Matching | null>(null);
  // One intent: a start that is tried again after a lost answer is the same start.
  const key = useRef(crypto.randomUUID());
  const asked = { filter, include_own: includeOwn };
  return (
    <PlanDialog
      title="End all sessions that match"
      verb="End sessions"
      choices={JSON.stringify(asked)}
      plan={async (signal) => {
        const { data } = await call(planRevokeMatching, { body: asked, signal });
        setMatching(data.matching);
        key.current = crypto.randomUUID();
        return data;
      }}
      start={async ({ plan_hash, reason }) => {
        const body = { ...asked, plan_hash, reason };
        return (await call(revokeMatching, { body, idempotency_key: key.current })).data;
      }}
      onClose={onClose}
    >
      {matching && (matching.own.fits || matching.observed_at !== null) && (
        <div className={classes.choices}>
          {matching.own.fits && (
            <Checkbox
              size="xs"
              label="Also the one I am using: I will be signed out"
              checked={includeOwn}
              onChange={(event) => setIncludeOwn(event.currentTarget.checked)}
            />
          )}
          {matching.observed_at !== null && (
            <span className={classes.observed}>
              Sessions of Gateways as observed <RelativeTime iso={matching.observed_at} />
            </span>
          )}
        </div>
      )}
    </PlanDialog>
  );
}
