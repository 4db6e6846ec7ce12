import { Button, Drawer, TextInput } from '@mantine/core';
import { useState } from 'react';
import { getTenant, listTenants, updateTenant, type Tenant } from '#contract/tenants.ts';
import { call } from '#ui/api/client.ts';
import { fieldErrors, ProblemError } from '#ui/api/errors.ts';
import { useChange, useEndpoint } from '#ui/api/queries.ts';
import { ChangeList } from '#ui/patterns/change-list.tsx';
import { GuardedButton } from '#ui/patterns/guarded-button.tsx';
import { ProblemAlert } from '#ui/patterns/problem-alert.tsx';
import { ReasonField } from '#ui/patterns/reason-field.tsx';
import { useReturnFocus } from '#ui/patterns/return-focus.ts';
import { toastDone } from '#ui/patterns/toast.tsx';
import { FormProblem } from './form-problem.tsx';
import { flagErrors, TenantFields } from './tenant-fields.tsx';
import {
  isChanged,
  rebase,
  tenantFormValues,
  updateBody,
  type Rebase,
  type TenantFormValues,
} from './tenant-form.ts';
import classes from './edit-tenant-drawer.module.css';
import formClasses from './tenant-form.module.css';
import { useTenantForm } from './use-tenant-form.ts';

const STALE = [listTenants, getTenant];

const validate = (values: TenantFormValues): Record<string, string> => ({
  ...(values.name.trim() === '' && { name: 'Give it a name' }),
  ...flagErrors(values),
});

/** Changes a tenant's metadata. Somebody else's change meanwhile is shown, and mine can be put on top of it. */
export function EditTenantDrawer({ tenant_id, onClose }: { tenant_id: string; onClose: () => void }) {
  useReturnFocus();
  const { data, etag, error, refetch } = useEndpoint(getTenant, { params: { tenant_id } });
  return (
    <Drawer
      opened
      onClose={onClose}
      title={`Edit ${tenant_id}`}
      closeOnClickOutside={false}
      closeButtonProps={{ 'aria-label': 'Close' }}
    >
      {error && !data && <ProblemAlert error={error} onRetry={() => void refetch()} />}
      {data && etag !== null && <EditForm read={{ tenant: data, etag }} onClose={onClose} />}
    </Drawer>
  );
}

interface Read {
  tenant: Tenant;
  etag: string;
}

function EditForm({ read, onClose }: { read: Read; onClose: () => void }) {
  // What the form started from; a later refresh behind the drawer must not change it under the person's hands.
  const [base, setBase] = useState(() => ({ values: tenantFormValues(read.tenant), etag: read.etag }));
  const [newer, setNewer] = useState<(Rebase & { etag: string; base: TenantFormValues }) | null>(null);
  const [reapplied, setReapplied] = useState<Rebase | null>(null);
  const form = useTenantForm(base.values, validate);
  const update = useChange(updateTenant, { invalidates: STALE });
  const { tenant_id } = read.tenant;
  const isStale = update.error instanceof ProblemError && update.error.code === 'precondition_failed';
  const unchanged = !isChanged(base.values, form.values);

  const readNewer = async () => {
    const { data, etag } = await call(getTenant, { params: { tenant_id } });
    const current = tenantFormValues(data);
    setNewer({ ...rebase(base.values, form.values, current), etag: etag ?? '', base: current });
  };
  const submit = form.onSubmit((values) => {
    if (update.isPending || unchanged) return;
    setReapplied(null);
    update.mutate(
      { params: { tenant_id }, body: updateBody(base.values, values), if_match: base.etag },
      {
        onSuccess: ({ data }) => {
          toastDone(`${tenant_id} was changed`, data.job_id);
          onClose();
        },
        onError: (error) => {
          form.setErrors(fieldErrors(error));
          if (error instanceof ProblemError && error.code === 'precondition_failed') void readNewer();
        },
      },
    );
  });
  const reapply = () => {
    if (!newer) return;
    setBase({ values: newer.base, etag: newer.etag });
    form.setValues(newer.values);
    setReapplied(newer);
    setNewer(null);
    update.reset();
  };

  return (
    <form onSubmit={submit} className={formClasses.form} noValidate>
      <TextInput label="Name" required data-autofocus {...form.getInputProps('name')} />
      <TenantFields form={form} />
      <ReasonField
        required={false}
        value={form.values.reason}
        error={form.errors['reason']}
        onChange={(reason) => form.setFieldValue('reason', reason)}
      />
      <div className={formClasses.bottom}>
        {!isStale && <FormProblem error={update.error} shown={form.errors} />}
        {newer && (
          <div className={classes.newer} role="alert">
            <b>Somebody changed it meanwhile. Nothing of yours was saved.</b>
            <ChangeList changes={newer.theirs} />
            {newer.conflicts.length > 0 && (
              <p>You have both changed {newer.conflicts.join(', ')}: your values are kept there.</p>
            )}
            <Button onClick={reapply}>Reload and re-apply mine</Button>
          </div>
        )}
        {reapplied && (
          <p className={classes.reapplied}>
            Your changes stand on top of theirs now. Look them over and save again.
          </p>
        )}
        <div className={formClasses.footer}>
          <Button variant="default" onClick={onClose} disabled={update.isPending}>
            Cancel
          </Button>
          <GuardedButton
            type="submit"
            loading={update.isPending}
            against={newer ? 'Re-apply your changes first' : unchanged ? 'Nothing is changed yet' : null}
          >
            Save changes
          </GuardedButton>
        </div>
      </div>
    </form>
  );
}
