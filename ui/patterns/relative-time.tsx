import { Hint } from './hint.tsx';
import { useNow } from './clock.ts';
import { formatAgo } from './format.ts';
import { Unknown } from './figure.tsx';
import classes from './text.module.css';

const exact = new Intl.DateTimeFormat('sv-SE', {
  year: 'numeric',
  month: '2-digit',
  day: '2-digit',
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
  timeZoneName: 'longOffset',
});

/** The exact local time with its zone: "2026-11-23 12:54:03 GMT+01:00". */
export const exactTime = (iso: string): string => exact.format(new Date(iso));

/** Written only when it is looked at: the hint draws it then. */
const ExactTime = ({ iso }: { iso: string }) => (
  <>
    {exactTime(iso)}
    <br />
    {iso}
  </>
);

/** "3 min ago", ticking; the exact ISO time and zone on hover. `null` shows "—" with `missing` as the reason. */
export function RelativeTime({
  iso,
  missing = 'It has not happened',
}: {
  iso: string | null;
  missing?: string;
}) {
  const now = useNow();
  if (iso === null) return <Unknown why={missing} />;
  return (
    <Hint label={<ExactTime iso={iso} />}>
      <time dateTime={iso} className={classes.quiet}>
        {formatAgo(Date.parse(iso), now)}
      </time>
    </Hint>
  );
}
