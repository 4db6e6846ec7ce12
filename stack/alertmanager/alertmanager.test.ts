import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';

import { alertRule } from '#stack/alerts/alert.ts';
import { ALERT_EXAMPLES } from '#stack/alerts/alert-examples.ts';
import { ALERTS } from '#stack/alerts/rule-files.ts';
import { findAmtool, findPromtool } from '#tools/prometheus-programs.mjs';
import { alertmanagerFiles } from './alertmanager-files.ts';
import { INHIBITIONS } from './inhibitions.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'control-alertmanager-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const [configText = '', watchdogText = ''] = Object.values(alertmanagerFiles());
const configFile = write('alertmanager.yaml', configText);
const amtool = findAmtool();
const promtool = findPromtool();
const severityOf = new Map(ALERTS.map(({ name, severity }) => [name, severity]));

describe.skipIf(!('path' in amtool))('amtool', () => {
  it('takes the configuration', () => {
    const { status, stdout, stderr } = run(amtool, ['check-config', configFile]);
    expect(status, `${stdout}${stderr}`).toBe(0);
  });

  it('refuses a route to nobody', () => {
    const broken = write('broken.yaml', configText.replace('receiver: page', 'receiver: nobody'));
    expect(run(amtool, ['check-config', broken]).status).not.toBe(0);
  });

  it('routes each alert by its severity', () => {
    const wrong = ALERTS.map(alertRule).filter(
      ({ alert, labels }) => receiverOf({ alertname: alert, ...labels, env: 'prod' }) !== labels.severity,
    );
    expect(wrong).toEqual([]);
  }, 60_000);

  it('routes the watchdog to whoever watches it, and what it does not know to the tickets', () => {
    expect(receiverOf({ alertname: 'Watchdog', severity: 'info' })).toBe('watchdog');
    expect(receiverOf({ alertname: 'Unknown' })).toBe('ticket');
  });
});

describe('an inhibition', () => {
  it('names alerts that exist', () => {
    const named = INHIBITIONS.flatMap(({ while: source, silences }) => [source, ...silences]);
    expect(named.filter((name) => !severityOf.has(name))).toEqual([]);
  });

  it('compares labels that both alerts have: two that are missing would be equal', () => {
    const missing = INHIBITIONS.flatMap(({ while: source, silences, equal }) =>
      [source, ...silences].flatMap((name) =>
        equal
          .filter((label) => !(label in (ALERT_EXAMPLES[name]?.labels ?? {})))
          .map((label) => `${name} has no ${label}`),
      ),
    );
    expect(missing).toEqual([]);
  });

  it('silences a page only by a page', () => {
    const weak = INHIBITIONS.filter(
      ({ while: source, silences }) =>
        severityOf.get(source) !== 'page' && silences.some((name) => severityOf.get(name) === 'page'),
    );
    expect(weak).toEqual([]);
  });
});

it('no address of a receiver stands in the configuration', () => {
  const { receivers } = parse(configText) as { receivers: { webhook_configs: object[] }[] };
  const keys = new Set(
    receivers.flatMap(({ webhook_configs }) => webhook_configs.flatMap((each) => Object.keys(each))),
  );
  expect([...keys].toSorted()).toEqual(['max_alerts', 'send_resolved', 'url_file']);
});

describe('the watchdog', () => {
  it('has a runbook', () => {
    expect(watchdogText).toContain('runbook: docs/runbooks/watchdog.md');
    expect(existsSync(join(root, 'docs/runbooks/watchdog.md'))).toBe(true);
    expect(readFileSync(join(root, 'docs/runbooks/watchdog.md'), 'utf8')).toMatch(/^# Watchdog\n/);
  });

  it.skipIf(!('path' in promtool))(
    'fires when there is no figure at all',
    () => {
      const rules = write('watchdog.yaml', watchdogText);
      const exp_labels = { severity: 'info' };
      const { groups } = parse(watchdogText) as { groups: { rules: { annotations: object }[] }[] };
      const exp_annotations = groups[0]!.rules[0]!.annotations;
      const test = {
        rule_files: [rules],
        evaluation_interval: '1m',
        tests: [
          {
            interval: '1m',
            input_series: [],
            alert_rule_test: [
              { eval_time: '1m', alertname: 'Watchdog', exp_alerts: [{ exp_labels, exp_annotations }] },
            ],
          },
        ],
      };
      const file = write('test.yaml', JSON.stringify(test));
      const { status, stdout, stderr } = run(promtool, ['test', 'rules', file]);
      expect(status, `${stdout}${stderr}`).toBe(0);
    },
    30_000,
  );
});

function receiverOf(labels: Record<string, string>): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}=${value}`);
  return run(amtool, ['config', 'routes', 'test', `--config.file=${configFile}`, ...pairs]).stdout.trim();
}

function write(name: string, text: string): string {
  const file = join(folder, name);
  writeFileSync(file, text);
  return file;
}

function run(
  program: { path: string } | { reason: string },
  args: string[],
): { status: number | null; stdout: string; stderr: string } {
  if (!('path' in program)) throw new Error(program.reason);
  return spawnSync(program.path, args, { cwd: folder, encoding: 'utf8', timeout: 30_000 });
}
