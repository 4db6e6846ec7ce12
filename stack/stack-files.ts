/** All that is generated: path from the repository's root → text. */
import { alertmanagerFiles } from './alertmanager/alertmanager-files.ts';
import { ruleFiles } from './alerts/rule-files.ts';
import { dashboardFiles } from './dashboards/dashboard-files.ts';
import { metricsContract } from './metric-catalogue/metrics-contract.ts';
import { scrapeFiles } from './scrape/scrape-files.ts';

export function stackFiles(): Record<string, string> {
  return {
    'docs/metrics-contract.md': metricsContract(),
    ...dashboardFiles(),
    ...ruleFiles(),
    ...alertmanagerFiles(),
    ...scrapeFiles(),
  };
}
