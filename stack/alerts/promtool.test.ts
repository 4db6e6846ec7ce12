/** The rules in Prometheus’ own tool: whoever runs Prometheus instead of VictoriaMetrics gets the same alerts. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { stringify } from 'yaml';

import { findPromtool } from '#tools/prometheus-programs.mjs';
import { ruleFiles } from './rule-files.ts';
import { ruleTest } from './rule-tests.ts';

const folder = mkdtempSync(join(tmpdir(), 'control-promtool-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const rules = Object.entries(ruleFiles()).map(([path, text]) => write(path.replaceAll('/', '-'), text));
const promtool = findPromtool();

describe.skipIf(!('path' in promtool))('promtool', () => {
  it('reads the rules, and would not read a broken one', () => {
    const { status, stdout, stderr } = run(['check', 'rules', ...rules]);
    expect(status, `${stdout}${stderr}`).toBe(0);
    const broken = write('broken.yaml', 'groups: [{ name: a, rules: [{ alert: B, expr: "up ==" }] }]');
    expect(run(['check', 'rules', broken]).status).not.toBe(0);
  });

  it.each(['firing', 'silent', 'missing'] as const)(
    'agrees with vmalert when figures are %s',
    (kind) => {
      const file = write(`${kind}.yaml`, stringify(ruleTest(kind, rules), { lineWidth: 0 }));
      const { status, stdout, stderr } = run(['test', 'rules', file]);
      expect(status, `${stdout}${stderr}`).toBe(0);
    },
    60_000,
  );
});

function write(name: string, text: string): string {
  const file = join(folder, name);
  writeFileSync(file, text);
  return file;
}

function run(args: string[]): { status: number | null; stdout: string; stderr: string } {
  if (!('path' in promtool)) throw new Error(promtool.reason);
  return spawnSync(promtool.path, args, { encoding: 'utf8', timeout: 50_000 });
}
