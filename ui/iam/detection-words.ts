/** How detections are named. */
import type { DetectionKind } from '#contract/iam/detections.ts';

export const DETECTION_NAMES: Record<DetectionKind, string> = {
  session_fan_out: 'Many sessions',
  failed_sign_ins_account: 'Wrong passwords',
  failed_sign_ins_address: 'Sign-ins from one address',
  failed_second_factor: 'Wrong second factors',
  ip_change: 'Session on another network',
  token_new_network: 'API token on many networks',
  token_reuse: 'Refresh token used twice',
};
