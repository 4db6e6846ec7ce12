/** The path of a small chart, from 0 at the bottom to the greatest value at the top; a gap is left out. Pure. */
export function sparkPath(values: readonly (number | null)[], width: number, height: number): string {
  const greatest = Math.max(...values.map((value) => value ?? 0)) || 1;
  const margin = 1;
  const x = (index: number) => (values.length === 1 ? width : (index / (values.length - 1)) * width);
  const y = (value: number) => height - margin - (value / greatest) * (height - 2 * margin);
  return values
    .map((value, index) => {
      if (value === null) return '';
      const start = values[index - 1] === null || values[index - 1] === undefined;
      const alone = start && (values[index + 1] === null || values[index + 1] === undefined);
      const at = `${x(index).toFixed(1)} ${y(value).toFixed(1)}`;
      // A point with a gap on either side would not be seen: it is drawn as a short line.
      return alone ? `M${at}h1` : `${start ? 'M' : 'L'}${at}`;
    })
    .join('');
}
