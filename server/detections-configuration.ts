/** What `control.yaml` says of detections: from how many on something is suspicious. */
import { Type, type Static } from 'typebox';
import { DEFAULT_DETECTION_THRESHOLDS, type DetectionThresholds } from '#server/iam/detection-rules.ts';

const strict = { additionalProperties: false };
const Count = Type.Optional(Type.Integer({ minimum: 1, maximum: 100_000 }));
const WindowSeconds = Type.Optional(Type.Integer({ minimum: 10, maximum: 86_400 }));

const Failures = Type.Optional(Type.Object({ failures: Count, window_s: WindowSeconds }, strict));

export const DetectionsSection = Type.Object(
  {
    session_fan_out: Type.Optional(Type.Object({ sessions: Count }, strict)),
    failed_sign_ins_account: Failures,
    failed_sign_ins_address: Failures,
    failed_second_factor: Failures,
    ip_change: Type.Optional(
      Type.Object(
        {
          networks: Count,
          ipv4_prefix: Type.Optional(Type.Integer({ minimum: 8, maximum: 32 })),
          ipv6_prefix: Type.Optional(Type.Integer({ minimum: 16, maximum: 64 })),
        },
        strict,
      ),
    ),
    token_new_network: Type.Optional(Type.Object({ networks: Count }, strict)),
  },
  strict,
);

/** The thresholds, with the defaults of what is left out. */
export function readDetectionThresholds(section: Static<typeof DetectionsSection> = {}): DetectionThresholds {
  const defaults = DEFAULT_DETECTION_THRESHOLDS;
  return {
    session_fan_out: { ...defaults.session_fan_out, ...section.session_fan_out },
    failed_sign_ins_account: { ...defaults.failed_sign_ins_account, ...section.failed_sign_ins_account },
    failed_sign_ins_address: { ...defaults.failed_sign_ins_address, ...section.failed_sign_ins_address },
    failed_second_factor: { ...defaults.failed_second_factor, ...section.failed_second_factor },
    ip_change: { ...defaults.ip_change, ...section.ip_change },
    token_new_network: { ...defaults.token_new_network, ...section.token_new_network },
  };
}
