/** Counts and names the failed, repeated and skipped tests of a vitest JSON report. */
export function readVitestReport(report, shorten) {
  const counts = noCounts();
  for (const file of report?.testResults ?? []) {
    for (const { status, fullName, failureMessages } of file.assertionResults) {
      const name = `${shorten(file.name)}: ${fullName.trim()}`;
      if (status === 'passed') {
        counts.passed += 1;
        // What a first try failed with stays in the report.
        if (failureMessages?.length > 0) addTo(counts, 'repeated', 'repeats', name);
      } else if (status === 'failed') addTo(counts, 'failed', 'failures', name);
      else addTo(counts, 'skipped', 'skips', name);
    }
    // A file that cannot be loaded, or whose hooks fail, reports no failed test.
    const hasFailedTest = file.assertionResults.some(({ status }) => status === 'failed');
    if (file.status === 'failed' && !hasFailedTest) addTo(counts, 'failed', 'failures', shorten(file.name));
  }
  return counts;
}

/** Counts and names the failed, repeated and skipped tests of a Playwright JSON report. */
export function readPlaywrightReport(report) {
  const counts = noCounts();
  const visit = (suite, titles) => {
    for (const spec of suite.specs ?? []) {
      const name = `e2e/${spec.file}: ${[...titles, spec.title].join(' ')}`;
      for (const { status } of spec.tests) {
        if (status === 'expected' || status === 'flaky') {
          counts.passed += 1;
          if (status === 'flaky') addTo(counts, 'repeated', 'repeats', name);
        } else if (status === 'skipped') addTo(counts, 'skipped', 'skips', name);
        else addTo(counts, 'failed', 'failures', name);
      }
    }
    for (const inner of suite.suites ?? []) visit(inner, [...titles, inner.title]);
  };
  for (const file of report?.suites ?? []) visit(file, []);
  for (const error of report?.errors ?? []) addTo(counts, 'failed', 'failures', `browser: ${error.message}`);
  return counts;
}

const noCounts = () => ({
  passed: 0,
  failed: 0,
  repeated: 0,
  skipped: 0,
  failures: [],
  repeats: [],
  skips: [],
});

function addTo(counts, counter, list, name) {
  counts[counter] += 1;
  counts[list].push(name);
}
