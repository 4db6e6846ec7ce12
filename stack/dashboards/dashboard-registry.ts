/** What the control plane knows of the dashboards: read from the files that Grafana loads, so that the two cannot differ. */
import { type Dashboard } from '#contract/observability.ts';
import { dashboardFiles } from './dashboard-files.ts';

interface DashboardFile {
  uid: string;
  title: string;
  description: string;
  templating: { list: { name: string }[] };
  panels: { type: string; title: string }[];
}

/** In triage order, without addresses: those depend on the environment's Grafana. */
function dashboardRegistry(): Omit<Dashboard, 'url'>[] {
  return Object.values(dashboardFiles()).map((text) => {
    const { uid, title, description, templating, panels } = JSON.parse(text) as DashboardFile;
    return {
      uid,
      title,
      description,
      variables: templating.list.map(({ name }) => name),
      panels: withRows(panels),
    };
  });
}

/** In the file a row is a panel before those that it holds. */
function withRows(panels: DashboardFile['panels']): Dashboard['panels'] {
  let row: string | null = null;
  return panels.flatMap(({ type, title }) => {
    if (type !== 'row') return [{ title, row }];
    row = title;
    return [];
  });
}

export function registryFiles(): Record<string, string> {
  return { 'stack/generated/dashboards.json': `${JSON.stringify(dashboardRegistry(), null, 2)}\n` };
}
