/**
 * `npm test`: makes the checkout ready and runs every check, one stage after another, going on after a failure.
 * `npm test -- lint unit` runs only the stages named. With CI=true a skip counts as a failure.
 */
import { spawn } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import { relative } from 'node:path';

import { findChromium } from './chromium.mjs';
import { findDockerClient } from './docker-client.mjs';
import { findDockerEngine } from './docker-engine.mjs';
import { findNatsServer } from './nats-server.mjs';
import { findAlertmanager, findAmtool, findPromtool } from './prometheus-programs.mjs';
import { buildUi, installPackages, programEnvironment, root, runMain, SetupError } from './setup.mjs';
import { findVictoriaMetrics } from './victoria-metrics.mjs';
import { readPlaywrightReport, readVitestReport } from './test-reports.mjs';
import { findWycheproof } from './wycheproof.mjs';

const reportFolder = `${root}/.cache/test-reports`;
/** Far beyond what any stage takes, so that a slow machine is no failure; what hangs is ended in the end. */
const stageLimit = 40 * 60_000;

const stages = {
  format: () => runQuietly('oxfmt', ['--check']),
  lint: () => runQuietly('oxlint', ['--type-aware', '--deny-warnings', '--report-unused-disable-directives']),
  types: () => runQuietly('tsc', ['--noEmit', '--pretty']),
  directions: () => runQuietly('depcruise', ['--config', '.dependency-cruiser.mjs', '.']),
  unused: () => runQuietly('knip', ['--no-progress', '--treat-config-hints-as-errors']),
  schema: () => runQuietly('node', ['tools/generate-schema.ts', '--check']),
  openapi: () => runQuietly('node', ['tools/generate-openapi.ts', '--check']),
  asvs: () => runQuietly('node', ['tools/generate-asvs.ts', '--check']),
  stack: () => runQuietly('node', ['tools/generate-stack.ts', '--check']),
  unit: runUnitTests,
  integration: runIntegrationTests,
  metrics: runMetricsTests,
  swarm: runSwarmTests,
  ui: buildUiStage,
  browser: runBrowserSpecs,
};

await runMain(async () => {
  const wanted = process.argv.slice(2);
  const unknown = wanted.filter((name) => !(name in stages));
  if (unknown.length > 0) {
    throw new SetupError(
      `There is no stage "${unknown.join('", "')}": choose of ${Object.keys(stages).join(', ')}.`,
    );
  }
  installPackages();
  mkdirSync(reportFolder, { recursive: true });

  let interrupted = false;
  process.on('SIGINT', () => (interrupted = true));
  process.on('SIGTERM', () => (interrupted = true));

  const results = [];
  for (const name of wanted.length > 0 ? wanted : Object.keys(stages)) {
    if (interrupted) break;
    console.log(`── ${name}`);
    const startedAt = performance.now();
    const result = {
      name,
      failures: [],
      repeats: [],
      skips: [],
      passed: 0,
      failed: 0,
      skipped: 0,
      ...(await stages[name](results)),
    };
    result.seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
    results.push(result);
    console.log(`${markOf(result)} ${name} ${result.seconds} s`);
  }
  return summarise(results, interrupted);
});

function summarise(results, interrupted) {
  console.log('\n── summary');
  for (const result of results) {
    const { passed, failed, skipped } = result;
    const tests =
      passed + failed + skipped > 0 ? `${passed} passed, ${failed} failed, ${skipped} skipped` : '';
    console.log(
      `${markOf(result)} ${result.name.padEnd(12)} ${result.seconds.padStart(6)} s  ${tests}`.trimEnd(),
    );
  }
  const sum = (key) => results.reduce((total, result) => total + result[key], 0);
  const skips = results.flatMap(({ skips: names }) => names);
  const failures = results.flatMap(({ failures: lines }) => lines);
  const repeats = results.flatMap(({ repeats: names }) => names);
  if (interrupted) failures.push('interrupted');
  for (const skip of skips) console.log(`SKIPPED ${skip}`);
  for (const repeat of repeats) console.log(`PASSED ONLY ON A SECOND TRY ${repeat}`);
  for (const failure of failures) console.log(`FAILED ${failure}`);
  const skipsFail = process.env.CI === 'true' && skips.length > 0;
  if (skipsFail) console.log('FAILED because nothing may be skipped where CI=true');
  const skipped = sum('skipped');
  console.log(`${sum('passed')} passed, ${sum('failed')} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`);
  return failures.length > 0 || skipsFail ? 1 : 0;
}

function markOf({ failures, skips }) {
  if (failures.length > 0) return '✗';
  return skips.length > 0 ? '○' : '✓';
}

/** A check whose output matters only when it fails. */
async function runQuietly(command, args) {
  const { exitCode, output } = await run(command, args, { quiet: true });
  if (exitCode === 0) return {};
  console.log(output.trimEnd());
  return { failures: [[command, ...args].join(' ')] };
}

async function runVitest(project) {
  const report = `${reportFolder}/${project}.json`;
  rmSync(report, { force: true });
  const args = [
    'run',
    '--project',
    project,
    '--reporter=default',
    '--reporter=json',
    `--outputFile.json=${report}`,
  ];
  const { exitCode } = await run('vitest', args);
  return withExitCode(
    exitCode,
    project,
    readVitestReport(readReport(report), (file) => relative(root, file)),
  );
}

/** Tests of a program that cannot be had are skipped by vitest; why is said here. */
async function runUnitTests() {
  const programs = {
    'alert rules': findVictoriaMetrics('vmalert-tool'),
    'scrape configurations': findVictoriaMetrics('vmagent'),
    'rules in Prometheus': findPromtool(),
    'who is told of alerts': findAmtool(),
    'the signature vectors of Wycheproof': findWycheproof(),
  };
  const counts = await runVitest('unit');
  const skips = Object.entries(programs).flatMap(([what, { reason }]) =>
    reason ? [`unit: every test of ${what}, because ${reason}`] : [],
  );
  return { ...counts, skips: [...skips, ...(counts.skips ?? [])] };
}

/** The same for servers. */
async function runIntegrationTests() {
  const nats = findNatsServer();
  const docker = findDockerClient();
  const alertmanager = findAlertmanager();
  const agent = findVictoriaMetrics('vmagent');
  const counts = await runVitest('integration');
  const skips = nats.path ? [] : [`integration: every test on NATS, because ${nats.reason}`];
  if (docker.reason) skips.push(`integration: Docker's reading of deploy/, because ${docker.reason}`);
  if (alertmanager.reason) skips.push(`integration: Alertmanager itself, because ${alertmanager.reason}`);
  if (agent.reason) skips.push(`integration: what vmagent scrapes, because ${agent.reason}`);
  return { ...counts, skips: [...skips, ...(counts.skips ?? [])] };
}

/** Every query of the stack, on real servers. */
function runMetricsTests() {
  const reasons = [findVictoriaMetrics('victoria-metrics'), findNatsServer()].flatMap(
    ({ reason }) => reason ?? [],
  );
  return reasons.length > 0
    ? { skips: [`metrics: every query on real data, because ${reasons.join(' and ')}`] }
    : runVitest('metrics');
}

function runSwarmTests() {
  const { reason } = findDockerEngine();
  return reason ? { skips: [`swarm: every test on Docker Swarm, because ${reason}`] } : runVitest('swarm');
}

async function runBrowserSpecs(earlier) {
  if (earlier.some(({ name, failures }) => name === 'ui' && failures.length > 0)) {
    return { skips: ['browser: every spec, because the Admin UI was not built'] };
  }
  if (!earlier.some(({ name }) => name === 'ui')) buildUi();
  const chromium = findChromium();
  if (!chromium.path) return { skips: [`browser: every spec, because ${chromium.reason}`] };
  const report = `${reportFolder}/browser.json`;
  rmSync(report, { force: true });
  const { exitCode } = await run('playwright', ['test', '--reporter=list,json'], {
    env: { CONTROL_CHROMIUM: chromium.path, PLAYWRIGHT_JSON_OUTPUT_FILE: report },
  });
  return withExitCode(exitCode, 'browser', readPlaywrightReport(readReport(report)));
}

function buildUiStage() {
  try {
    buildUi();
    return {};
  } catch (error) {
    console.log(error.message);
    return { failures: ['ui: the Admin UI could not be built'] };
  }
}

/** A runner that fails without a failed test, or writes no report, has failed all the same. */
function withExitCode(exitCode, name, counts) {
  if (exitCode === 0 || counts.failures?.length > 0) return counts;
  return { ...counts, failures: [`${name}: the test runner ended with exit code ${exitCode}`] };
}

function readReport(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    return undefined;
  }
}

function run(command, args, { quiet = false, env = {} } = {}) {
  return new Promise((resolve) => {
    const child = spawn(command, args, {
      cwd: root,
      env: { ...programEnvironment(), ...env },
      stdio: ['ignore', quiet ? 'pipe' : 'inherit', quiet ? 'pipe' : 'inherit'],
      timeout: stageLimit,
    });
    const chunks = [];
    child.stdout?.on('data', (chunk) => chunks.push(chunk));
    child.stderr?.on('data', (chunk) => chunks.push(chunk));
    child.once('error', (error) => resolve({ exitCode: 1, output: `${command}: ${error.message}` }));
    child.once('close', (code, signal) => {
      const timedOut =
        signal === 'SIGTERM' ? `\n${command} was ended (limit ${stageLimit / 60_000} minutes)` : '';
      resolve({ exitCode: code ?? 1, output: `${Buffer.concat(chunks)}${timedOut}` });
    });
  });
}
