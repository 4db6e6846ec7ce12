import { Button, Checkbox, Drawer, TextInput } from '@mantine/core';
import { useNavigate } from '@tanstack/react-router';
import { createTenant, listTenants } from '#contract/tenants.ts';
import { fieldErrors, ProblemError } from '#ui/api/errors.ts';
import { useChange } from '#ui/api/queries.ts';
import { EnvironmentBadge } from '#ui/app/environment-badge.tsx';
import { useEnvironment } from '#ui/app/environment.tsx';
import { ReasonField } from '#ui/patterns/reason-field.tsx';
import { useReturnFocus } from '#ui/patterns/return-focus.ts';
import { toastDone } from '#ui/patterns/toast.tsx';
import { FormProblem } from './form-problem.tsx';
import { flagErrors, TenantFields } from './tenant-fields.tsx';
import { createBody, emptyTenantForm, type TenantFormValues } from './tenant-form.ts';
import classes from './tenant-form.module.css';
import { useTenantForm } from './use-tenant-form.ts';

const SLUG = /^[a-z0-9][a-z0-9-]{1,62}$/;
const slugOf = (name: string): string =>
  name
    .toLowerCase()
    .normalize('NFKD')
    .replaceAll(/[^a-z0-9]+/g, '-')
    .replaceAll(/^-+|-+$/g, '')
    .slice(0, 63);

const validate = (values: TenantFormValues): Record<string, string> => ({
  ...(values.name.trim() === '' && { name: 'Give it a name' }),
  ...(!SLUG.test(values.tenant_id) && { tenant_id: '2 to 63 lower-case letters, digits and hyphens' }),
  ...(values.environments.length === 0 && { environments: 'Choose one at least' }),
  ...flagErrors(values),
});

const STALE = [listTenants];

/** Creates a tenant; a job then places it and verifies that the nodes serve it. */
export function CreateTenantDrawer({ onClose }: { onClose: () => void }) {
  useReturnFocus();
  const { environments, environment } = useEnvironment();
  const navigate = useNavigate();
  const form = useTenantForm(emptyTenantForm([environment]), validate);
  const create = useChange(createTenant, { invalidates: STALE });

  const submit = form.onSubmit((values) => {
    if (create.isPending) return;
    create.mutate(
      { body: createBody(values) },
      {
        onSuccess: ({ data: { job_id, tenant } }) => {
          toastDone(`${tenant.tenant_id} is being provisioned`, job_id);
          void navigate({ to: '/tenants/$tenant_id', params: { tenant_id: tenant.tenant_id } });
        },
        onError: (error) => {
          form.setErrors(fieldErrors(error));
          if (error instanceof ProblemError && error.code === 'already_exists')
            form.setFieldError('tenant_id', error.problem.detail);
        },
      },
    );
  });

  return (
    <Drawer
      opened
      onClose={onClose}
      title="Create tenant"
      closeOnClickOutside={!form.isDirty()}
      closeButtonProps={{ 'aria-label': 'Close' }}
    >
      <form onSubmit={submit} className={classes.form} noValidate>
        <TextInput
          label="Name"
          required
          data-autofocus
          {...form.getInputProps('name')}
          onChange={(event) => {
            const name = event.currentTarget.value;
            // The id follows the name until somebody writes an id of their own.
            if (form.values.tenant_id === slugOf(form.values.name))
              form.setFieldValue('tenant_id', slugOf(name));
            form.setFieldValue('name', name);
          }}
        />
        <TextInput
          label="Tenant id"
          description="In every subject, key and URL of the tenant; it never changes"
          required
          spellCheck={false}
          autoComplete="off"
          {...form.getInputProps('tenant_id')}
        />
        <Checkbox.Group
          label="Environments"
          description="It is placed on the least loaded shard of each service kind there"
          required
          {...form.getInputProps('environments')}
        >
          <div className={classes.choices}>
            {environments.map((one) => (
              <Checkbox
                key={one.environment}
                size="xs"
                value={one.environment}
                label={<EnvironmentBadge environment={one.environment} />}
              />
            ))}
          </div>
        </Checkbox.Group>
        <TenantFields form={form} />
        <ReasonField
          required={false}
          value={form.values.reason}
          error={form.errors['reason']}
          onChange={(reason) => form.setFieldValue('reason', reason)}
        />
        <div className={classes.bottom}>
          <FormProblem error={create.error} shown={form.errors} />
          <div className={classes.footer}>
            <Button variant="default" onClick={onClose} disabled={create.isPending}>
              Cancel
            </Button>
            <Button type="submit" loading={create.isPending}>
              Create tenant
            </Button>
          </div>
        </div>
      </form>
    </Drawer>
  );
}
