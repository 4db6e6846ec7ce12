import { useForm } from '@mantine/form';
import type { TenantFormValues } from './tenant-form.ts';

/** The form of a tenant; `validate` answers messages by the name of the field. */
export const useTenantForm = (
  initialValues: TenantFormValues,
  validate: (values: TenantFormValues) => Record<string, string>,
) => useForm<TenantFormValues>({ initialValues, validate });

export type TenantForm = ReturnType<typeof useTenantForm>;
