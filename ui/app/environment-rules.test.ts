import { expect, test } from 'vitest';
import type { EnvironmentSummary } from '#contract/scale.ts';
import { startEnvironment } from './environment-rules.ts';

const environments = ['dev', 'staging', 'prod'].map(
  (environment) => ({ environment, production: environment === 'prod' }) as EnvironmentSummary,
);

test('the environment used last is chosen again, while it exists', () => {
  expect(startEnvironment(environments, 'staging')).toBe('staging');
  expect(startEnvironment(environments, 'gone')).toBe('prod');
});

test('without a last one it is production, else the last in promotion order', () => {
  expect(startEnvironment(environments, null)).toBe('prod');
  expect(startEnvironment(environments.slice(0, 2), null)).toBe('staging');
  expect(startEnvironment([], null)).toBeUndefined();
});
