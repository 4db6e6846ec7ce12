import { useEnvironment } from '#ui/app/environment.tsx';

/** Why nothing is listed of what an orchestrator runs: there is none, or it has named nothing. */
export function useEmptyFleet(noun: string, hint: string): { title: string; hint: string } {
  const { environment, environments } = useEnvironment();
  const summary = environments.find((one) => one.environment === environment);
  return summary?.orchestrator === null
    ? {
        title: `${environment} has no orchestrator`,
        hint: 'Its nodes are named one by one in the configuration; the tab Nodes lists them.',
      }
    : { title: `No ${noun} is known in ${environment}`, hint };
}
