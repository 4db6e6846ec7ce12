import { expect, test } from 'vitest';
import { toCsv } from './csv.ts';

test('a cell with a comma, a quote or a line break is quoted', () => {
  const rows = [{ id: 'a,b', name: 'He said "no"', note: 'one\ntwo' }];
  const columns = {
    id: (row: (typeof rows)[number]) => row.id,
    name: (row: (typeof rows)[number]) => row.name,
    note: (row: (typeof rows)[number]) => row.note,
  };
  expect(toCsv(rows, columns)).toBe('id,name,note\r\n"a,b","He said ""no""","one\ntwo"\r\n');
});

test('a cell that a spreadsheet would run as a formula is made text', () => {
  expect(toCsv([{ name: '=HYPERLINK("x")' }], { name: ({ name }) => name })).toBe(
    'name\r\n"\'=HYPERLINK(""x"")"\r\n',
  );
});
