import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { stringify } from 'yaml';

import { DASHBOARDS } from '#stack/dashboards/dashboard-list.ts';
import { findVictoriaMetrics } from '#tools/victoria-metrics.mjs';
import { alertRule, runbookPath } from './alert.ts';
import { ALERT_EXAMPLES } from './alert-examples.ts';
import { ALERTS, ruleFiles } from './rule-files.ts';
import { ruleTest } from './rule-tests.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'control-rules-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const rules = Object.entries(ruleFiles()).map(([path, text]) => {
  const file = join(folder, path.replaceAll('/', '-'));
  writeFileSync(file, text);
  return file;
});
const vmalert = findVictoriaMetrics('vmalert');
const ruleTester = findVictoriaMetrics('vmalert-tool');

describe('every alert', () => {
  it('has a name of its own, and examples', () => {
    const names = ALERTS.map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
    expect(names.filter((name) => !(name in ALERT_EXAMPLES))).toEqual(['MetricsMissing']);
  });

  it.each(ALERTS.map(({ name }) => name))(
    '%s has a runbook that says what it means, what to look at and what helps',
    (name) => {
      const path = join(root, runbookPath(name));
      expect(existsSync(path), `${runbookPath(name)} exists`).toBe(true);
      const text = readFileSync(path, 'utf8');
      expect(text).toMatch(new RegExp(`^# ${name}\n`));
      expect([...text.matchAll(/^## (.*)$/gm)].map(([, title]) => title)).toEqual([
        'What it means',
        'What to look at',
        'What helps',
      ]);
    },
  );

  it('leads to a dashboard that exists, and shows the value', () => {
    const uids = Object.values(DASHBOARDS).map(({ uid }) => `/d/${uid}`);
    const broken = ALERTS.map(alertRule).filter(
      ({ alert, annotations: { dashboard, summary } }) =>
        !uids.includes(dashboard.replace(/\?.*/, '') as `/d/${never}`) ||
        (alert !== 'MetricsMissing' && !summary.includes('$value')),
    );
    expect(broken).toEqual([]);
  });
});

describe('the rules', () => {
  it.skipIf(!('path' in vmalert))('are read by vmalert', () => {
    const { status, stderr } = run(vmalert, ['-dryRun', ...rules.map((file) => `-rule=${file}`)]);
    expect(status, `vmalert: ${stderr}`).toBe(0);
  });

  it.skipIf(!('path' in ruleTester)).each(['firing', 'silent', 'missing'] as const)(
    'do what they should when figures are %s',
    (kind) => {
      const file = join(folder, `${kind}.yaml`);
      writeFileSync(file, stringify(ruleTest(kind, rules), { lineWidth: 0 }));
      const { status, stdout, stderr } = run(ruleTester, [
        'unittest',
        '-disableAlertgroupLabel',
        `-files=${file}`,
      ]);
      expect(status, `vmalert-tool: ${stdout}${stderr}`).toBe(0);
    },
    60_000,
  );
});

function run(
  program: { path: string } | { reason: string },
  args: string[],
): { status: number | null; stdout: string; stderr: string } {
  if (!('path' in program)) throw new Error(program.reason);
  // vmalert-tool always has the same port and folder, so runs on one machine take turns.
  return spawnSync('flock', [join(tmpdir(), 'control-vmalert-tool.lock'), program.path, ...args], {
    cwd: folder,
    encoding: 'utf8',
    timeout: 50_000,
  });
}
