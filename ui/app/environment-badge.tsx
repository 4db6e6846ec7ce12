import classes from './environment-badge.module.css';

/** dev teal, staging amber, production red; an environment by another name is neutral. */
export const environmentTone = (environment: string, production: boolean): string =>
  production ? 'prod' : environment === 'dev' || environment === 'staging' ? environment : 'other';

/** The environment's name in its colour. */
export function EnvironmentBadge({ environment, production }: { environment: string; production: boolean }) {
  return (
    <span className={classes.badge} data-env={environmentTone(environment, production)}>
      {environment}
    </span>
  );
}
