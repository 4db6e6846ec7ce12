/** Counts and names the failed and skipped tests of a vitest JSON report. */
export function readVitestReport(report, shorten) {
  const counts = { passed: 0, failed: 0, skipped: 0, failures: [], skips: [] };
  for (const file of report?.testResults ?? []) {
    for (const { status, fullName } of file.assertionResults) {
      const name = `${shorten(file.name)}: ${fullName.trim()}`;
      if (status === 'passed') counts.passed += 1;
      else if (status === 'failed') addTo(counts, 'failed', 'failures', name);
      else addTo(counts, 'skipped', 'skips', name);
    }
    // A file that cannot be loaded, or whose hooks fail, reports no failed test.
    const hasFailedTest = file.assertionResults.some(({ status }) => status === 'failed');
    if (file.status === 'failed' && !hasFailedTest) addTo(counts, 'failed', 'failures', shorten(file.name));
  }
  return counts;
}

/** Counts and names the failed and skipped tests of a Playwright JSON report. */
export function readPlaywrightReport(report) {
  const counts = { passed: 0, failed: 0, skipped: 0, failures: [], skips: [] };
  const visit = (suite, titles) => {
    for (const spec of suite.specs ?? []) {
      const name = `e2e/${spec.file}: ${[...titles, spec.title].join(' ')}`;
      for (const { status } of spec.tests) {
        if (status === 'expected') counts.passed += 1;
        else if (status === 'skipped') addTo(counts, 'skipped', 'skips', name);
        else addTo(counts, 'failed', 'failures', name);
      }
    }
    for (const inner of suite.suites ?? []) visit(inner, [...titles, inner.title]);
  };
  for (const file of report?.suites ?? []) visit(file, []);
  for (const error of report?.errors ?? []) addTo(counts, 'failed', 'failures', `browser: ${error.message}`);
  return counts;
}

function addTo(counts, counter, list, name) {
  counts[counter] += 1;
  counts[list].push(name);
}
