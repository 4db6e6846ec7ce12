/** What vmagent scrapes where everything runs on this machine. The labels are those of `stack/scrape/`, so that dashboards and rules fit. */

export interface EmbeddedTargets {
  /** Answers the nodes of the platform as Prometheus' HTTP service discovery does, with a bearer token. */
  platform: { url: string; tokenFile: string };
  /** `host:port` of the control plane. */
  control: string;
  /** Each is served by the one stack there is. */
  environments: readonly string[];
}

/** Origins of the stack's own parts, by service. */
export type StackUrls = Readonly<Record<string, string>>;

/** vmagent's configuration; JSON is YAML, too. Every series carries `env`, `service`, `instance` and `job`. */
export function scrapeConfiguration(
  { platform, control, environments }: EmbeddedTargets,
  stack: StackUrls,
  interval: string,
): string {
  const ownJob = [{ source_labels: ['service'], target_label: 'job' }];
  const parts = Object.entries(stack).flatMap(([service, url]) =>
    environments.map((env) => ({
      targets: [new URL(url).host],
      labels: { env, service, instance: service },
    })),
  );
  const jobs = [
    {
      job_name: 'platform',
      http_sd_configs: [{ url: platform.url, authorization: { credentials_file: platform.tokenFile } }],
      relabel_configs: ownJob,
    },
    {
      job_name: 'control',
      // Its series about an environment name the service that they are about.
      honor_labels: true,
      static_configs: [
        { targets: [control], labels: { env: 'control', service: 'control', instance: 'control' } },
      ],
    },
    { job_name: 'stack', static_configs: parts, relabel_configs: ownJob },
  ];
  const global = { scrape_interval: interval, scrape_timeout: interval };
  return `${JSON.stringify({ global, scrape_configs: jobs }, null, 2)}\n`;
}
