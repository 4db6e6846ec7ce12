/** One request: the plan exactly as it was read, what differs now, who decided, what was said. */
import { Button, Textarea } from '@mantine/core';
import { IconCheck, IconRefresh, IconX } from '@tabler/icons-react';
import { Link, useParams } from '@tanstack/react-router';
import { useState } from 'react';
import {
  approveRequest,
  askAgain,
  checkApproval,
  commentOnRequest,
  getApproval,
  listApprovals,
  rejectRequest,
  withdrawRequest,
  type Approval,
} from '#contract/approvals.ts';
import { useChange, useEndpoint, useMe } from '#ui/api/queries.ts';
import { EnvironmentBadge } from '#ui/app/environment-badge.tsx';
import { TargetLink } from '#ui/audit/target-link.tsx';
import { ChangeList } from '#ui/patterns/change-list.tsx';
import { ConfirmAction } from '#ui/patterns/confirm-action.tsx';
import { DetailPage } from '#ui/patterns/detail-page.tsx';
import { Unknown } from '#ui/patterns/figure.tsx';
import { GuardedButton } from '#ui/patterns/guarded-button.tsx';
import { MiddleTruncate, Mono } from '#ui/patterns/middle-truncate.tsx';
import { Panel, Properties, Property } from '#ui/patterns/panel.tsx';
import { PlanParts } from '#ui/patterns/plan-form.tsx';
import { ProblemAlert } from '#ui/patterns/problem-alert.tsx';
import { RelativeTime } from '#ui/patterns/relative-time.tsx';
import { StatusPill } from '#ui/patterns/status-pill.tsx';
import { toastDone } from '#ui/patterns/toast.tsx';
import classes from './approval-page.module.css';

const PARENT = { label: 'Approvals', link: { to: '/approvals' } } as const;
const STALE = [getApproval, listApprovals, checkApproval];

export function ApprovalPage() {
  const { approval_id } = useParams({ from: '/shell/approvals/$approval_id' });
  const read = useEndpoint(getApproval, { params: { approval_id } }, { refetchInterval: 3_000 });
  const me = useMe();
  const [dialog, setDialog] = useState<'approve' | 'reject' | 'withdraw' | 'again' | null>(null);
  const approval = read.data;
  const mine = approval !== undefined && me.data?.user.user_id === approval.requester_id;
  const waiting = approval?.state === 'waiting';
  return (
    <DetailPage
      parent={PARENT}
      noun="request"
      title={approval?.title ?? approval_id}
      status={approval && <StatusPill of="approval" status={approval.state} soft />}
      primary={
        approval &&
        (waiting ? (
          <>
            {mine && (
              <Button variant="default" onClick={() => setDialog('withdraw')}>
                Withdraw
              </Button>
            )}
            <GuardedButton
              variant="default"
              leftSection={<IconX size={15} />}
              against={approval.against_deciding}
              onClick={() => setDialog('reject')}
            >
              Reject
            </GuardedButton>
            <GuardedButton
              leftSection={<IconCheck size={15} />}
              against={approval.against_deciding}
              onClick={() => setDialog('approve')}
            >
              Approve
            </GuardedButton>
          </>
        ) : (
          mine &&
          approval.state !== 'applied' && (
            <Button leftSection={<IconRefresh size={15} />} onClick={() => setDialog('again')}>
              Ask again
            </Button>
          )
        ))
      }
      loading={approval === undefined}
      error={read.error}
      onRetry={() => void read.refetch()}
    >
      {approval && (
        <>
          <Facts approval={approval} />
          {approval.state !== 'applied' && <DriftNow approval={approval} />}
          <div className={classes.columns}>
            <Panel title="The plan as it was read">
              <div className={classes.plan}>
                <PlanParts plan={approval.plan} />
              </div>
            </Panel>
            <div className={classes.side}>
              <Decisions approval={approval} />
              <Comments approval={approval} />
            </div>
          </div>
          {dialog === 'approve' && <Approve approval={approval} onClose={() => setDialog(null)} />}
          {dialog === 'reject' && <Reject approval={approval} onClose={() => setDialog(null)} />}
          {dialog === 'withdraw' && <Withdraw approval={approval} onClose={() => setDialog(null)} />}
          {dialog === 'again' && <AskAgain approval={approval} onClose={() => setDialog(null)} />}
        </>
      )}
    </DetailPage>
  );
}

/** Who, why, where, and until when. */
function Facts({ approval }: { approval: Approval }) {
  return (
    <div className={classes.facts}>
      <Properties>
        <Property name="Asked by">{approval.requester}</Property>
        <Property name="Reason">
          {approval.reason ?? <Unknown why="None was given, and this asks for none" />}
        </Property>
        <Property name="Had a part">{approval.contributors.map(({ label }) => label).join(', ')}</Property>
        <Property name="Needs">
          {approval.requirements
            .map(({ have, count, roles }) => `${have} of ${count} (${roles.join(' or ')})`)
            .join(' and ')}
        </Property>
      </Properties>
      <Properties>
        <Property name="Asked">
          <RelativeTime iso={approval.created_at} />
        </Property>
        <Property name={approval.ended_at === null ? 'Expires' : 'Ended'}>
          <RelativeTime iso={approval.ended_at ?? approval.expires_at} />
          {approval.ended_by !== null && ` by ${approval.ended_by}`}
        </Property>
        <Property name="Where">
          {approval.environment === null ? (
            'everywhere'
          ) : (
            <EnvironmentBadge environment={approval.environment} />
          )}
        </Property>
        <Property name="Target">
          <TargetLink {...approval.target} />
        </Property>
      </Properties>
      <Properties>
        <Property name="Operation">
          <Mono>{approval.operation}</Mono>
        </Property>
        <Property name="Plan hash">
          <MiddleTruncate text={approval.plan.plan_hash} />
        </Property>
        {approval.job_id !== null && (
          <Property name="Job">
            <Link to="/jobs/$job_id" params={{ job_id: approval.job_id }} className={classes.link}>
              the job that it became
            </Link>
          </Property>
        )}
        <Property name="Policy">
          {approval.policies.map(({ revision }) => `revision ${revision}`).join(', ')}
        </Property>
      </Properties>
    </div>
  );
}

const VOID_WORDS: Record<NonNullable<Approval['void_reason']>, string> = {
  drifted: 'Void: the world moved while it waited',
  edited: 'Void: another request took its place',
  policy_changed: 'Void: its policy was changed',
  requester_not_allowed: 'Void: who asked may not do it any more',
  refused: 'Void: it was refused when it was applied',
};

/** What ended it, and what is different now. */
function DriftNow({ approval }: { approval: Approval }) {
  const { approval_id, state, void_reason, ended_detail, drift } = approval;
  const check = useEndpoint(
    checkApproval,
    { params: { approval_id } },
    { refetchInterval: state === 'waiting' ? 15_000 : false },
  );
  return (
    <>
      {void_reason !== null && (
        <div className={classes.notice} role="status">
          <b>{VOID_WORDS[void_reason]}.</b> {ended_detail}
          {drift.length > 0 && <ChangeList changes={drift} />}
        </div>
      )}
      {state === 'waiting' && (
        <Panel title="Is it still so?">
          {check.error ? (
            <ProblemAlert error={check.error} onRetry={() => void check.refetch()} />
          ) : check.data === undefined ? (
            <p className={classes.quiet}>Making the plan again…</p>
          ) : check.data.problem !== null ? (
            <p className={classes.drifted}>No longer: {check.data.problem}</p>
          ) : check.data.changes.length === 0 ? (
            <p>
              <StatusPill of="outcome" status="succeeded" word="Nothing has changed since it was asked" />
            </p>
          ) : (
            <div className={classes.drifted}>
              <p>It has drifted; the next approval would void it.</p>
              <ChangeList changes={check.data.changes} />
            </div>
          )}
        </Panel>
      )}
    </>
  );
}

function Decisions({ approval: { decisions } }: { approval: Approval }) {
  return (
    <Panel title="Decisions">
      {decisions.length === 0 ? (
        <p className={classes.quiet}>Nobody has decided yet.</p>
      ) : (
        <ul className={classes.entries}>
          {decisions.map(({ user_id, label, decision, roles, counts, comment, decided_at }) => (
            <li key={user_id}>
              <span className={classes.who}>
                <StatusPill
                  of="approval"
                  status={decision === 'approved' ? 'applied' : 'rejected'}
                  word={decision}
                />
                <b>{label}</b>
                <RelativeTime iso={decided_at} />
              </span>
              <span className={classes.quiet}>
                as {roles.join(', ')}
                {decision === 'approved' && !counts && ' · counts no longer: the role is gone'}
              </span>
              {comment !== null && <p className={classes.comment}>{comment}</p>}
            </li>
          ))}
        </ul>
      )}
    </Panel>
  );
}

function Comments({ approval: { approval_id, comments } }: { approval: Approval }) {
  const [text, setText] = useState('');
  const add = useChange(commentOnRequest, { invalidates: STALE, onSuccess: () => setText('') });
  return (
    <Panel title="Comments">
      {comments.length > 0 && (
        <ul className={classes.entries}>
          {comments.map(({ comment_id, label, comment, created_at }) => (
            <li key={comment_id}>
              <span className={classes.who}>
                <b>{label}</b>
                <RelativeTime iso={created_at} />
              </span>
              <p className={classes.comment}>{comment}</p>
            </li>
          ))}
        </ul>
      )}
      <form
        className={classes.form}
        onSubmit={(event) => {
          event.preventDefault();
          if (text.trim() !== '' && !add.isPending)
            add.mutate({ params: { approval_id }, body: { comment: text.trim() } });
        }}
      >
        <Textarea
          aria-label="Comment"
          placeholder="Say something to everybody who reads this"
          autosize
          minRows={2}
          maxRows={8}
          maxLength={2000}
          value={text}
          onChange={(event) => setText(event.currentTarget.value)}
        />
        <ProblemAlert error={add.error} />
        <Button
          type="submit"
          variant="default"
          size="xs"
          loading={add.isPending}
          disabled={text.trim() === ''}
        >
          Comment
        </Button>
      </form>
    </Panel>
  );
}

interface DialogProps {
  approval: Approval;
  onClose: () => void;
}

function CommentField({
  value,
  onChange,
  label,
}: {
  value: string;
  onChange: (text: string) => void;
  label: string;
}) {
  return (
    <Textarea
      label={label}
      value={value}
      onChange={(event) => onChange(event.currentTarget.value)}
      maxLength={2000}
      autosize
      minRows={2}
      maxRows={6}
      data-autofocus
    />
  );
}

function Approve({ approval: { approval_id, title, plan, environment }, onClose }: DialogProps) {
  const [comment, setComment] = useState('');
  const approve = useChange(approveRequest, { invalidates: STALE });
  return (
    <ConfirmAction
      title="Approve"
      what={`${title}. With the last approval it is done at once in the name of who asked, if everything is still as it was read; otherwise it is void.`}
      verb="Approve"
      environment={environment}
      reason="none"
      done={null}
      run={async () => {
        const { data } = await approve.mutateAsync({
          params: { approval_id },
          body: { plan_hash: plan.plan_hash, ...(comment.trim() !== '' && { comment: comment.trim() }) },
        });
        if (data.approval.state === 'applied') toastDone('Approved and done', data.job_id);
        else if (data.approval.state === 'waiting') toastDone('Approved; more approvals are needed');
      }}
      onClose={onClose}
    >
      <CommentField label="Comment (optional)" value={comment} onChange={setComment} />
    </ConfirmAction>
  );
}

function Reject({ approval: { approval_id, title, environment }, onClose }: DialogProps) {
  const [comment, setComment] = useState('');
  const reject = useChange(rejectRequest, { invalidates: STALE });
  return (
    <ConfirmAction
      title="Reject"
      what={`${title}. It will not be done; who asked reads why.`}
      verb="Reject"
      danger
      environment={environment}
      reason="none"
      done="Rejected"
      blocked={comment.trim() === ''}
      run={async () => {
        await reject.mutateAsync({ params: { approval_id }, body: { comment: comment.trim() } });
      }}
      onClose={onClose}
    >
      <CommentField label="Why" value={comment} onChange={setComment} />
    </ConfirmAction>
  );
}

function Withdraw({ approval: { approval_id, title, environment }, onClose }: DialogProps) {
  const withdraw = useChange(withdrawRequest, { invalidates: STALE });
  return (
    <ConfirmAction
      title="Withdraw the request"
      what={title}
      verb="Withdraw"
      environment={environment}
      done="Withdrawn"
      run={async ({ reason = '' }) => {
        await withdraw.mutateAsync({ params: { approval_id }, body: { reason } });
      }}
      onClose={onClose}
    />
  );
}

/** The difference to what was asked the first time, and the same request with the plan of now. */
function AskAgain({ approval: { approval_id, title, reason, environment }, onClose }: DialogProps) {
  const check = useEndpoint(checkApproval, { params: { approval_id } });
  const again = useChange(askAgain, { invalidates: STALE });
  const hash = check.data?.plan_hash ?? null;
  return (
    <ConfirmAction
      title="Ask again"
      what={reason === null ? title : `${title}. Asked before: ${reason}`}
      verb="Ask again"
      environment={environment}
      done="Asked again"
      blocked={hash === null || check.isFetching}
      run={async ({ reason: why = '' }) => {
        if (hash === null) return;
        await again.mutateAsync({ params: { approval_id }, body: { plan_hash: hash, reason: why } });
      }}
      onClose={onClose}
    >
      {check.error ? (
        <ProblemAlert error={check.error} />
      ) : check.data?.problem ? (
        <p className={classes.drifted}>It cannot be asked again as it was: {check.data.problem}</p>
      ) : check.data && check.data.changes.length > 0 ? (
        <>
          <p>Since then changed:</p>
          <ChangeList changes={check.data.changes} />
        </>
      ) : (
        check.data && <p>Nothing has changed since then.</p>
      )}
    </ConfirmAction>
  );
}
