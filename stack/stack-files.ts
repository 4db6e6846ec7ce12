/** All that is generated: path from the repository's root → text. */
import { alertmanagerFiles } from './alertmanager/alertmanager-files.ts';
import { ruleFiles } from './alerts/rule-files.ts';
import { dashboardFiles } from './dashboards/dashboard-files.ts';
import { registryFiles } from './dashboards/dashboard-registry.ts';
import { provisioningFiles } from './grafana/provisioning-files.ts';
import { alloyFiles } from './logs/alloy-file.ts';
import { lokiFiles } from './logs/loki-file.ts';
import { metricsContract } from './metric-catalogue/metrics-contract.ts';
import { queryFiles } from './queries/named-queries.ts';
import { scrapeFiles } from './scrape/scrape-files.ts';

export function stackFiles(): Record<string, string> {
  return {
    'docs/metrics-contract.md': metricsContract(),
    ...dashboardFiles(),
    ...registryFiles(),
    ...queryFiles(),
    ...ruleFiles(),
    ...alertmanagerFiles(),
    ...scrapeFiles(),
    ...provisioningFiles(),
    ...alloyFiles(),
    ...lokiFiles(),
  };
}
