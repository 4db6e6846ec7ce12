/** What several endpoints of identity and access take or answer alike. */
import { Type } from 'typebox';
import { Environment, Nullable, Slug, Uuid } from '../common.ts';
import { PERMISSION_PATTERN } from '../permissions.ts';

/** Scope of a grant: both null = global; both set = that tenant in that environment only. */
export const scopeFields = { tenant_id: Nullable(Slug), environment: Nullable(Environment) };

export const Password = Type.String({ minLength: 1, maxLength: 256 });
/** ASVS 5.0 6.2.1: at least 12 characters here, no composition rules, long ones allowed. */
export const NewPassword = Type.String({
  minLength: 12,
  maxLength: 256,
  description: '12 characters at least; common passwords are refused',
});
export const PermissionPattern = Type.String({ pattern: PERMISSION_PATTERN, maxLength: 64 });
export const userParams = Type.Object({ user_id: Uuid });
export const body = <P extends Parameters<typeof Type.Object>[0]>(properties: P) =>
  Type.Object(properties, { additionalProperties: false });
