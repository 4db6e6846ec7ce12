/** What can be done about a detection: to whom or what it is about, and to the detection itself. */
import { IconCheck, IconDoorExit, IconEye, IconKeyOff } from '@tabler/icons-react';
import { useState, type ReactNode } from 'react';
import {
  acknowledgeDetection,
  DETECTION_ACTIONS,
  getDetection,
  listDetections,
  resolveDetection,
  type Detection,
  type DetectionAction,
} from '#contract/iam/detections.ts';
import { getUser, listSessions, listTokens, listUsers, revokeSession, revokeToken } from '#contract/iam.ts';
import { may, useChange, useMe } from '#ui/api/queries.ts';
import { firstReason, stateReason, type Action } from '#ui/patterns/action-menu.tsx';
import { ConfirmAction } from '#ui/patterns/confirm-action.tsx';
import { useUserActions } from './user-actions.tsx';

/** Of what can be done to a user, what helps against somebody else in the account. */
const HELPING: readonly string[] = [
  'End all sessions…',
  'Suspend user…',
  'Send password reset…',
  'Reset second factors…',
];

type Asked = DetectionAction | 'end_session' | 'revoke_token';

const SETTLED = [listDetections, getDetection] as const;

export function useDetectionActions(): {
  /** Acknowledge and resolve. */
  settleFor: (detection: Detection) => Action[];
  /** What ends what was noticed: of the session, the API token or the user. */
  helpFor: (detection: Detection) => Action[];
  dialog: ReactNode;
} {
  const signedIn = useMe().data;
  const [asked, setAsked] = useState<{ what: Asked; detection: Detection } | null>(null);
  const users = useUserActions();

  const settle = (
    detection: Detection,
    what: DetectionAction,
    label: string,
    icon: Action['icon'],
  ): Action => ({
    label,
    ...(icon && { icon }),
    disabled: firstReason(
      may(signedIn, 'iam.detections.resolve'),
      stateReason(DETECTION_ACTIONS[what].from, detection.state, 'detection'),
    ),
    onSelect: () => setAsked({ what, detection }),
  });
  const onSubject = (detection: Detection): Action[] => {
    const { subject_type, details } = detection;
    const ask = (what: Asked) => () => setAsked({ what, detection });
    if (subject_type === 'session' && details['source'] !== 'gateway')
      return [
        {
          label: 'End session…',
          icon: IconDoorExit,
          danger: true,
          disabled: may(signedIn, 'iam.sessions.revoke').reason,
          onSelect: ask('end_session'),
        },
      ];
    if (subject_type === 'api_token')
      return [
        {
          label: 'Revoke API token…',
          icon: IconKeyOff,
          danger: true,
          disabled: may(signedIn, 'iam.tokens.revoke').reason,
          onSelect: ask('revoke_token'),
        },
      ];
    return [];
  };
  const onUser = ({
    user_id,
    user_email,
    user_name,
    user_status,
    user_session_count,
  }: Detection): Action[] => {
    if (user_id === null || user_email === null || user_name === null || user_status === null) return [];
    return users
      .actionsFor({
        user_id,
        email: user_email,
        display_name: user_name,
        status: user_status,
        session_count: user_session_count,
      })
      .filter(({ label }) => HELPING.includes(label))
      .map((action) => ({ ...action, divided: false }));
  };
  const close = () => setAsked(null);
  return {
    settleFor: (detection) => [
      settle(detection, 'acknowledge', 'Acknowledge…', IconEye),
      settle(detection, 'resolve', 'Resolve…', IconCheck),
    ],
    helpFor: (detection) => [...onSubject(detection), ...onUser(detection)],
    dialog:
      asked === null ? (
        users.dialog
      ) : asked.what === 'end_session' || asked.what === 'revoke_token' ? (
        <EndSubjectDialog what={asked.what} detection={asked.detection} onClose={close} />
      ) : (
        <SettleDialog action={asked.what} detection={asked.detection} onClose={close} />
      ),
  };
}

const SETTLE = {
  acknowledge: {
    endpoint: acknowledgeDetection,
    title: 'Acknowledge detection',
    verb: 'Acknowledge',
    what: 'Others see that you look into it. What is seen again is still counted on it.',
    done: 'Detection acknowledged',
  },
  resolve: {
    endpoint: resolveDetection,
    title: 'Resolve detection',
    verb: 'Resolve',
    what: 'Say what came out. What is seen after this is a new detection.',
    done: 'Detection resolved',
  },
};

function SettleDialog({
  action,
  detection,
  onClose,
}: {
  action: DetectionAction;
  detection: Detection;
  onClose: () => void;
}) {
  const { endpoint, title, verb, what, done } = SETTLE[action];
  const change = useChange(endpoint, { invalidates: SETTLED });
  return (
    <ConfirmAction
      title={title}
      what={`${detection.summary} ${what}`}
      verb={verb}
      done={done}
      run={async ({ reason }) => {
        const { data } = await change.mutateAsync({
          params: { detection_id: detection.detection_id },
          body: { reason: reason ?? '' },
        });
        return { job_id: data.job_id };
      }}
      onClose={onClose}
    />
  );
}

function EndSubjectDialog({
  what,
  detection: { subject_id, subject_label },
  onClose,
}: {
  what: 'end_session' | 'revoke_token';
  detection: Detection;
  onClose: () => void;
}) {
  const invalidates = [...SETTLED, listSessions, listTokens, getUser, listUsers];
  const session = useChange(revokeSession, { invalidates });
  const token = useChange(revokeToken, { invalidates });
  const ends = what === 'end_session';
  return (
    <ConfirmAction
      title={ends ? 'End session' : `Revoke API token ${subject_label}`}
      what={
        ends
          ? `This session of ${subject_label} ends; its next request is refused. They may sign in again.`
          : `The next request with ${subject_label} is refused.`
      }
      verb={ends ? 'End session' : 'Revoke token'}
      danger
      done={ends ? 'Session ended' : `${subject_label} revoked`}
      run={async ({ reason }) => {
        const body = { reason: reason ?? '' };
        const { data } = ends
          ? await session.mutateAsync({ params: { session_id: subject_id }, body })
          : await token.mutateAsync({ params: { token_id: subject_id }, body });
        return { job_id: data.job_id };
      }}
      onClose={onClose}
    />
  );
}
