import { ActionIcon, Button, NumberInput, SegmentedControl, Switch, TextInput } from '@mantine/core';
import { IconPlus, IconTrash } from '@tabler/icons-react';
import { TENANT_PLANS } from '#contract/tenants.ts';
import { Section } from '#ui/patterns/section.tsx';
import type { TenantFormValues } from './tenant-form.ts';
import classes from './tenant-form.module.css';
import type { TenantForm } from './use-tenant-form.ts';

const GIB = 2 ** 30;

/** Fields of a tenant's metadata, for creating and for editing. */
export function TenantFields({ form }: { form: TenantForm }) {
  const { quotas, feature_flags } = form.values;
  const quota = (name: 'commands_per_second' | 'projections') => ({
    value: quotas[name],
    onChange: (value: string | number) =>
      form.setFieldValue(`quotas.${name}`, value === '' ? '' : Number(value)),
    error: form.errors[`quotas.${name}`],
    placeholder: 'No limit',
    min: 0,
    hideControls: true,
    thousandSeparator: ',',
  });
  return (
    <>
      <div>
        <div className={classes.label}>Plan</div>
        <SegmentedControl
          fullWidth
          size="xs"
          aria-label="Plan"
          data={TENANT_PLANS.map((plan) => ({ value: plan, label: plan }))}
          {...form.getInputProps('plan')}
        />
      </div>
      <Section title="Contact">
        <div className={classes.grid}>
          <TextInput label="Name" {...form.getInputProps('contact.name')} />
          <TextInput label="Email" inputMode="email" {...form.getInputProps('contact.email')} />
          <TextInput label="Phone" inputMode="tel" {...form.getInputProps('contact.phone')} />
        </div>
      </Section>
      <Section title="Quotas">
        <div className={classes.grid}>
          <NumberInput label="Commands a second" {...quota('commands_per_second')} />
          <NumberInput
            label="Storage"
            suffix=" GiB"
            placeholder="No limit"
            min={0}
            hideControls
            value={quotas.storage_bytes === '' ? '' : quotas.storage_bytes / GIB}
            onChange={(value) =>
              form.setFieldValue('quotas.storage_bytes', value === '' ? '' : Math.round(Number(value) * GIB))
            }
            error={form.errors['quotas.storage_bytes']}
          />
          <NumberInput label="Projections" {...quota('projections')} />
        </div>
      </Section>
      <Section
        title="Feature flags"
        aside={
          <Button
            variant="subtle"
            color="gray"
            size="compact-xs"
            leftSection={<IconPlus size={13} />}
            onClick={() => form.insertListItem('feature_flags', { flag: '', on: true })}
          >
            Add flag
          </Button>
        }
      >
        {feature_flags.length === 0 && <p className={classes.none}>None</p>}
        {feature_flags.map(({ on }, index) => (
          <div key={index} className={classes.flag}>
            <TextInput
              aria-label="Name of the flag"
              placeholder="new_router"
              spellCheck={false}
              className={classes.flagName}
              {...form.getInputProps(`feature_flags.${index}.flag`)}
            />
            <Switch
              size="xs"
              label={on ? 'on' : 'off'}
              checked={on}
              onChange={(event) =>
                form.setFieldValue(`feature_flags.${index}.on`, event.currentTarget.checked)
              }
            />
            <ActionIcon
              aria-label="Remove the flag"
              onClick={() => form.removeListItem('feature_flags', index)}
            >
              <IconTrash size={15} />
            </ActionIcon>
          </div>
        ))}
      </Section>
      <Section title="Billing">
        <div className={classes.grid}>
          <TextInput label="Account" {...form.getInputProps('billing.account')} />
          <TextInput label="Cost center" {...form.getInputProps('billing.cost_center')} />
          <TextInput
            label="Currency"
            placeholder="EUR"
            maxLength={3}
            {...form.getInputProps('billing.currency')}
          />
        </div>
      </Section>
    </>
  );
}

const FLAG = /^[a-z][a-z0-9_]{0,62}$/;

/** What can be said before asking the server: names of flags, which become keys. */
export function flagErrors({ feature_flags }: TenantFormValues): Record<string, string> {
  const errors: Record<string, string> = {};
  feature_flags.forEach(({ flag }, index) => {
    if (!FLAG.test(flag)) errors[`feature_flags.${index}.flag`] = 'Lower-case letters, digits and _';
    else if (feature_flags.findIndex((other) => other.flag === flag) < index)
      errors[`feature_flags.${index}.flag`] = 'It is there already';
  });
  return errors;
}
