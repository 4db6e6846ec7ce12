/** What approvals need to know of a migration. */
import { startMigration } from '#contract/scale.ts';
import { approvable, type ApprovableOperation } from '#server/http/approvable-operation.ts';
import { readMigrationFacts } from './migration-facts.ts';
import { planMigrationDraft } from './placement-rules.ts';
import type { ScaleDependencies } from './scale-settings.ts';

export const migrationOperation = (dependencies: ScaleDependencies): ApprovableOperation =>
  approvable(startMigration, {
    scope: ({ body: { tenant_id, environment } }) => ({ tenant_id, environment }),
    subjectKey: ({ body: { tenant_id, environment, service } }) =>
      [environment, tenant_id, service].join(' '),
    plan: async (context, { body }) =>
      planMigrationDraft(await readMigrationFacts(dependencies, body, context.request_id)),
  });
