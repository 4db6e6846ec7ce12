/** The parts of Observability, in the order of use: what calls, where to look, and what all of it rests on. */
export const OBSERVABILITY_TABS = [
  { label: 'Alerts', to: '/observability/alerts' },
  { label: 'Triage', to: '/observability/triage' },
  { label: 'Targets', to: '/observability/targets' },
  { label: 'Dashboards', to: '/observability/dashboards' },
  { label: 'Connections', to: '/observability/connections' },
] as const;
