type Cell = string | number | null | undefined;

/** Rows as CSV (RFC 4180). A cell that a spreadsheet would take for a formula is made text. */
const cell = (value: Cell): string => {
  const text = value === null || value === undefined ? '' : String(value);
  const safe = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
};

export function toCsv<Row>(rows: readonly Row[], columns: Record<string, (row: Row) => Cell>): string {
  const lines = rows.map((row) =>
    Object.values(columns)
      .map((read) => cell(read(row)))
      .join(','),
  );
  return [Object.keys(columns).join(','), ...lines, ''].join('\r\n');
}

/** Hands rows to the browser as a file. */
export function downloadCsv<Row>(
  name: string,
  rows: readonly Row[],
  columns: Record<string, (row: Row) => Cell>,
): void {
  const url = URL.createObjectURL(new Blob([toCsv(rows, columns)], { type: 'text/csv' }));
  const link = document.createElement('a');
  link.href = url;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 1_000);
}
