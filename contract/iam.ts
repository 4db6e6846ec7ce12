/** Identity and access (PRD 1), all of it. */
export * from './iam/access.ts';
export * from './iam/access-links.ts';
export * from './iam/assignments.ts';
export * from './iam/detections.ts';
export * from './iam/device-sign-in.ts';
export * from './iam/identity-providers.ts';
export * from './iam/impersonations.ts';
export * from './iam/my-account.ts';
export * from './iam/roles.ts';
export * from './iam/service-accounts.ts';
export * from './iam/session-endings.ts';
export * from './iam/sessions.ts';
export * from './iam/sign-in-policies.ts';
export * from './iam/sign-in.ts';
export * from './iam/token-issuers.ts';
export * from './iam/tokens.ts';
export * from './iam/users.ts';
