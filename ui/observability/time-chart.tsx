/** Lines over time, by recharts. It is large: only `QueryPanel` loads it, once it has something to draw. */
import { LineChart, type LineChartProps, type LineChartSeries } from '@mantine/charts';
import '@mantine/charts/styles.layer.css';
import { useMemo } from 'react';
import type { QueryUnit } from '#contract/observability.ts';
import { isolatedPoints, timeTicks, type ChartData } from './chart-rules.ts';
import type { LineLook } from './line-look.ts';
import { LineSample } from './line-sample.tsx';
import type { Marker } from './markers.ts';
import { axisTop, formatMeasure } from './measure.ts';
import classes from './time-chart.module.css';

const DAY_MS = 86_400_000;
const clock = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit' });
const day = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'short' });
const moment = new Intl.DateTimeFormat('sv-SE', { dateStyle: 'short', timeStyle: 'medium' });

const writeTick = (at: number, span: number): string => {
  const date = new Date(at);
  return span > DAY_MS || (span >= DAY_MS && date.getHours() === 0 && date.getMinutes() === 0)
    ? day.format(date)
    : clock.format(date);
};

export interface TimeChartProps {
  label: string;
  data: ChartData;
  unit: QueryUnit;
  /** Both ends of the time axis, in milliseconds: the same for all charts of a page. */
  from: number;
  to: number;
  look: (name: string) => LineLook;
  markers: readonly Marker[];
}

export function TimeChart({
  label,
  data: { lines, rows, greatest },
  unit,
  from,
  to,
  look,
  markers,
}: TimeChartProps) {
  const top = axisTop(greatest, unit);
  const isolated = useMemo(
    () => new Map(lines.map(({ key }) => [key, isolatedPoints(rows, key)])),
    [lines, rows],
  );
  const lineProps: LineChartProps['lineProps'] = ({ name, color }: LineChartSeries) => {
    const alone = isolated.get(name);
    if (!alone || alone.size === 0) return {};
    return { dot: <LoneDot alone={alone} color={color} /> };
  };
  return (
    <LineChart
      className={classes.chart}
      data={rows}
      dataKey="time"
      series={lines.map(({ key, name }) => {
        const { color, dashes } = look(name);
        return { name: key, label: name, color, strokeDasharray: dashes };
      })}
      lineProps={lineProps}
      curveType="linear"
      connectNulls={false}
      withDots={false}
      strokeWidth={1.5}
      strokeDasharray="0"
      tickLine="none"
      gridColor="var(--line)"
      textColor="var(--text-muted)"
      valueFormatter={(value) => formatMeasure(value, unit)}
      // One cursor for all charts of the page: it stands at the same time in each.
      lineChartProps={{
        syncId: 'observability',
        syncMethod: 'value',
        title: label,
        margin: { top: 8, right: 12, bottom: 0, left: 0 },
      }}
      xAxisProps={{
        type: 'number',
        scale: 'time',
        domain: [from, to],
        ticks: timeTicks(from, to, -new Date(to).getTimezoneOffset() * 60_000),
        tickFormatter: (at: number) => writeTick(at, to - from),
        height: 24,
        interval: 0,
        allowDataOverflow: true,
      }}
      yAxisProps={{ domain: [0, top], ticks: [0, top / 2, top], width: 60, interval: 0 }}
      referenceLines={markers.map(({ number, at }) => ({
        x: at,
        color: 'var(--text-faint)',
        strokeDasharray: '2 3',
        label: String(number),
        labelPosition: 'insideTopRight' as const,
      }))}
      tooltipProps={{
        content: <ChartTip lines={lines} unit={unit} look={look} />,
      }}
    />
  );
}

/** A point with a gap on either side, which no line shows. The chart fills in all but the first two. */
function LoneDot({
  alone,
  color,
  cx,
  cy,
  index = -1,
}: {
  alone: ReadonlySet<number>;
  color: string | undefined;
  cx?: number;
  cy?: number;
  index?: number;
}) {
  return alone.has(index) ? <circle cx={cx} cy={cy} r={2} fill={color} /> : null;
}

/** The figures at the cursor. The chart fills in `active`, `payload` and `label`, the time. */
function ChartTip({
  lines,
  unit,
  look,
  active = false,
  payload = [],
  label,
}: Pick<TimeChartProps, 'unit' | 'look'> & {
  lines: ChartData['lines'];
  active?: boolean;
  payload?: readonly { payload?: ChartData['rows'][number] }[];
  label?: number;
}) {
  const row = payload[0]?.payload;
  if (!active || !row) return null;
  return (
    <div className={classes.tip}>
      <time>{moment.format(new Date(Number(label)))}</time>
      <table>
        <tbody>
          {lines.map(({ key, name }) => {
            const value = row[key];
            return (
              <tr key={key}>
                <td>
                  <LineSample look={look(name)} />
                </td>
                <td>{name}</td>
                <td>{typeof value === 'number' ? formatMeasure(value, unit) : 'no data'}</td>
              </tr>
            );
          })}
        </tbody>
      </table>
    </div>
  );
}
