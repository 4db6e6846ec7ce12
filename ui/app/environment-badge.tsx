import classes from './environment-badge.module.css';
import { useIsProduction } from './environment.tsx';

/** dev teal, staging amber, production red; an environment by another name is neutral. */
export const environmentTone = (environment: string, production: boolean): string =>
  production ? 'prod' : environment === 'dev' || environment === 'staging' ? environment : 'other';

/** The environment's name in its colour; `quiet` for tables, where it stands in every row. */
export function EnvironmentBadge({ environment, quiet = false }: { environment: string; quiet?: boolean }) {
  const isProduction = useIsProduction();
  return (
    <span
      className={quiet ? classes.quiet : classes.badge}
      data-env={environmentTone(environment, isProduction(environment))}
    >
      {environment}
    </span>
  );
}
