/** What counts as suspicious, and how it is told. Pure. */
import type { Detection } from '#contract/iam/detections.ts';
import { sameFamily, type NetworkPrefixes } from './ip-networks.ts';

/** From how many on something is noticed, over how many seconds. docs/deploying.md has a row for each. */
export interface DetectionThresholds {
  /** More live sessions of one user than this. */
  session_fan_out: { sessions: number };
  failed_sign_ins_account: { failures: number; window_s: number };
  failed_sign_ins_address: { failures: number; window_s: number };
  failed_second_factor: { failures: number; window_s: number };
  /** Other networks that one session was used from. */
  ip_change: { networks: number } & NetworkPrefixes;
  /** More networks of one API token than this. */
  token_new_network: { networks: number };
}

/**
 * The fifth failure in a row closes an account (sign-in-throttle.ts), and 30 failures in 5 minutes an address: detections come no later.
 * A /16 and a /32 are what one provider has: a lease that is renewed stays within, a thief elsewhere does not.
 */
export const DEFAULT_DETECTION_THRESHOLDS: DetectionThresholds = {
  session_fan_out: { sessions: 10 },
  failed_sign_ins_account: { failures: 5, window_s: 900 },
  failed_sign_ins_address: { failures: 20, window_s: 300 },
  failed_second_factor: { failures: 5, window_s: 900 },
  ip_change: { networks: 1, ipv4_prefix: 16, ipv6_prefix: 32 },
  token_new_network: { networks: 5 },
};

/**
 * How many of the networks that a session was used from are not its own: the one that it was opened from, and the first of the other
 * address family, since a host that has both is two addresses.
 */
export function foreignNetworks(openedFrom: string, networks: readonly string[]): number {
  const other = networks.filter((network) => !sameFamily(withoutPrefix(network), openedFrom)).length;
  return networks.length - Math.min(1, other);
}

const withoutPrefix = (network: string): string => network.replace(/\/\d+$/, '');

/** Failures within the window by one key, and how many of them came since the last look. */
export interface FailureCount {
  failures: number;
  fresh: number;
}

/** Whether there were enough failures, and the last of them is news. */
export const isTooMany = ({ failures, fresh }: FailureCount, threshold: number): boolean =>
  fresh > 0 && failures >= threshold;

export interface AddressFailures extends FailureCount {
  ip: string;
  /** Whom the sign-ins named. */
  accounts: string[];
}

/** Failures of single addresses, summed over what `keyOf` takes for one. */
export function failuresByAddress(
  rows: readonly AddressFailures[],
  keyOf: (ip: string) => string,
): (AddressFailures & { address: string })[] {
  const groups = Map.groupBy(rows, ({ ip }) => keyOf(ip));
  return [...groups].map(([address, group]) => ({
    address,
    ip: group.at(-1)?.ip ?? address,
    failures: sum(group.map(({ failures }) => failures)),
    fresh: sum(group.map(({ fresh }) => fresh)),
    accounts: [...new Set(group.flatMap(({ accounts }) => accounts))],
  }));
}

const sum = (figures: readonly number[]): number => figures.reduce((total, figure) => total + figure, 0);

type Told = Pick<
  Detection,
  'kind' | 'subject_label' | 'user_email' | 'count' | 'measured' | 'threshold' | 'window_s' | 'ip' | 'details'
>;

/** What happened, with the figures, in one sentence. */
export function summaryOf(detection: Told): string {
  const { kind, subject_label, user_email, measured, threshold, ip, count, details } = detection;
  const whose = user_email ?? subject_label;
  const within = `in ${duration(detection.window_s ?? 0)} (threshold ${threshold})`;
  switch (kind) {
    case 'session_fan_out':
      return `${whose} has ${counted(measured, 'live session')} (threshold ${threshold}).`;
    case 'failed_sign_ins_account':
      return `${counted(measured, 'wrong password')} for ${whose} ${within}.`;
    case 'failed_sign_ins_address':
      return `${counted(measured, 'failed sign-in')} from ${subject_label} ${within}.`;
    case 'failed_second_factor':
      return `${counted(measured, 'wrong second factor')} for ${whose} ${within}.`;
    case 'ip_change':
      return `A session of ${whose} that was opened from ${details['opened_from'] ?? 'another address'} was used from ${ip ?? 'an unknown address'}, another network.`;
    case 'token_new_network':
      return `API token ${subject_label} was used from ${counted(measured, 'network')} (threshold ${threshold}).`;
    case 'token_reuse':
      return `A refresh token of ${whose} that was used up came back${count > 1 ? ` ${count} times` : ''}: somebody else may have a copy.`;
  }
}

const counted = (figure: number, noun: string): string => `${figure} ${noun}${figure === 1 ? '' : 's'}`;

const duration = (seconds: number): string =>
  seconds % 60 === 0 ? counted(seconds / 60, 'minute') : counted(seconds, 'second');
