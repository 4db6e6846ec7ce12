import { logLines, logRate } from '#stack/queries/logql.ts';
import { rate, sumBy } from '#stack/queries/promql.ts';
import { type DashboardSpec } from './dashboard.ts';
import { logFigures, logPanel, timeSeries } from './panel.ts';

export const logsDashboard: DashboardSpec = {
  name: 'logs',
  description:
    'What did it say? By service and tenant; put a request or trace id into “Correlation” to follow one request through all services.',
  variables: ['service', 'tenant', 'correlation'],
  next: ['http', 'tenants', 'operations'],
  rows: [
    {
      title: 'Volume',
      panels: [
        logFigures({
          title: 'Errors and warnings',
          description: 'Lines each second of level warn, error and fatal.',
          unit: 'short',
          query: logRate('warn|error|fatal'),
          legend: '{{service}} {{level}}',
          span: 12,
        }),
        timeSeries({
          title: 'Lines lost on the way',
          description:
            'Lines each second that Alloy gave up or Loki refused. While this is not 0, silence below proves nothing.',
          unit: 'short',
          span: 12,
          queries: {
            'given up: {{reason}}': sumBy(['reason'], rate('loki_write_dropped_entries_total')),
            'refused: {{reason}}': sumBy(['reason'], rate('loki_discarded_samples_total')),
          },
        }),
      ],
    },
    {
      title: 'Lines',
      panels: [
        logPanel({
          title: 'Logs',
          description: 'Lines of the chosen services and tenants that hold the correlation id, newest first.',
          query: logLines(' | request_id=~"$correlation" or trace_id=~"$correlation"'),
        }),
        logPanel({
          title: 'Errors only',
          description: 'Lines of level error and fatal.',
          query: logLines(' | level=~"error|fatal"'),
        }),
      ],
    },
  ],
};
