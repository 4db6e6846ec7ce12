/** What a process uses and does, as columns: the same on services and nodes. */
import type { Load } from '#contract/scale.ts';
import type { Column } from '#ui/patterns/data-table.tsx';
import { Figure } from '#ui/patterns/figure.tsx';
import { formatBytes } from '#ui/patterns/format.ts';

const NO_SOURCE = 'No source gives it';

/** CPU, memory, requests and lag; `silent` says why a row has no figures at all. */
export const loadColumns = <Row extends { load: Load | null }>(
  silent: (row: Row) => string,
): readonly Column<Row>[] => {
  const figure = (row: Row, name: keyof Load, unit?: string) => (
    <Figure
      value={row.load?.[name]}
      {...(unit !== undefined && { unit })}
      missing={row.load === null ? silent(row) : NO_SOURCE}
    />
  );
  return [
    {
      id: 'cpu',
      header: 'CPU',
      align: 'right',
      width: 60,
      hint: 'Processor cores in use',
      cell: (row) => figure(row, 'cpu_cores'),
    },
    {
      id: 'memory',
      header: 'Memory',
      align: 'right',
      width: 76,
      cell: (row) => figure(row, 'memory_bytes', 'bytes'),
    },
    {
      id: 'requests',
      header: 'Req/s',
      align: 'right',
      width: 60,
      hint: 'Requests a second',
      cell: (row) => figure(row, 'requests_per_s'),
    },
    {
      id: 'lag',
      header: 'Lag',
      align: 'right',
      width: 60,
      hint: 'Messages that are not yet processed',
      cell: (row) => figure(row, 'consumer_lag'),
    },
  ];
};

const BYTE_UNIT = / [A-Z]?i?B$/;

/** "1.2 of 8" and "31.0 of 64.0 GiB": what is used of what there is, when either is known. */
export function usedOf(
  used: number | null | undefined,
  capacity: number | null,
  unit: 'cores' | 'bytes',
): string | null {
  const text = (value: number) =>
    unit === 'bytes' ? formatBytes(value) : String(Math.round(value * 10) / 10);
  if (used === null || used === undefined) return capacity === null ? null : text(capacity);
  if (capacity === null) return `${text(used)} used`;
  const [part, whole] = [text(used), text(capacity)];
  const same = BYTE_UNIT.exec(part)?.[0] === BYTE_UNIT.exec(whole)?.[0];
  return `${same ? part.replace(BYTE_UNIT, '') : part} of ${whole}`;
}
