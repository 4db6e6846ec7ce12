/** Figures, sizes and durations as people read them. Everything here is pure, and one locale for all: the API's language is English. */
const grouped = new Intl.NumberFormat('en-US', { maximumFractionDigits: 0 });
const fraction = new Intl.NumberFormat('en-US', { maximumFractionDigits: 1 });

/** Counts over 10,000 are grouped: 9821, 18,204. */
export const formatCount = (count: number): string =>
  !Number.isInteger(count)
    ? fraction.format(count)
    : Math.abs(count) >= 10_000
      ? grouped.format(count)
      : String(count);

const BYTE_UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'] as const;

/** 1536 → "1.5 KiB". */
export function formatBytes(bytes: number): string {
  let value = bytes;
  let unit = 0;
  while (value >= 1024 && unit < BYTE_UNITS.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return `${unit === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)} ${BYTE_UNITS[unit]}`;
}

/** 0.61 → "61 %". */
export const formatRatio = (ratio: number): string => {
  const percent = ratio * 100;
  return `${percent > 0 && percent < 1 ? '<1' : Math.round(percent)} %`;
};

/** Seconds as a duration: 0.42 → "0.4 s", 75 → "1 min 15 s", 7300 → "2 h 1 min". */
export function formatDuration(seconds: number): string {
  if (seconds < 0.05) return '0 s';
  if (seconds < 10) return `${fraction.format(seconds)} s`;
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return joined(Math.floor(whole / 60), 'min', whole % 60, 's');
  if (whole < 86_400) return joined(Math.floor(whole / 3600), 'h', Math.floor((whole % 3600) / 60), 'min');
  return joined(Math.floor(whole / 86_400), 'd', Math.floor((whole % 86_400) / 3600), 'h');
}

const joined = (large: number, largeUnit: string, small: number, smallUnit: string): string =>
  small === 0 ? `${large} ${largeUnit}` : `${large} ${largeUnit} ${small} ${smallUnit}`;

/** A clock for countdowns: 292 → "4:52". */
export const formatCountdown = (seconds: number): string => {
  const whole = Math.max(0, Math.ceil(seconds));
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, '0')}`;
};

/** How long ago, in one unit: "now", "12 s ago", "3 min ago", "in 5 d". */
export function formatAgo(from: number, now: number): string {
  const seconds = Math.round((now - from) / 1000);
  const size = Math.abs(seconds);
  if (size < 2) return 'now';
  const text =
    size < 60
      ? `${size} s`
      : size < 3600
        ? `${Math.floor(size / 60)} min`
        : size < 86_400
          ? `${Math.floor(size / 3600)} h`
          : size < 86_400 * 60
            ? `${Math.floor(size / 86_400)} d`
            : size < 86_400 * 730
              ? `${Math.floor(size / (86_400 * 30))} mo`
              : `${Math.floor(size / (86_400 * 365))} y`;
  return seconds > 0 ? `${text} ago` : `in ${text}`;
}

/** "1 tenant", "100,214 tenants"; a bounded total reads "1,000+ tenants". */
export const formatTotal = (
  total: { count: number; exact: boolean },
  noun: { one: string; many: string },
): string =>
  `${grouped.format(total.count)}${total.exact ? '' : '+'} ${total.count === 1 && total.exact ? noun.one : noun.many}`;

export const plural = (count: number, one: string, many = `${one}s`): string =>
  `${formatCount(count)} ${count === 1 ? one : many}`;

/** A value of a diff, on one line. */
export const formatValue = (value: unknown): string =>
  value === null || value === undefined ? '—' : typeof value === 'string' ? value : JSON.stringify(value);

/** snake_case → words: "migrate_tenant" → "migrate tenant". */
export const words = (name: string): string => name.replaceAll(/[_-]/g, ' ');

/** Words with a capital at the start, as titles are written. */
export const sentence = (name: string): string => {
  const text = words(name);
  return text.charAt(0).toUpperCase() + text.slice(1);
};
