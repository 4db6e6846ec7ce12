import type { SignInMethod } from '#contract/iam.ts';

export const METHOD_NAMES: Record<SignInMethod, string> = {
  password: 'Password',
  passkey: 'Passkey',
  provider: 'Identity provider',
};

/** "password, passkey or identity provider" */
export const listOfMethods = (methods: readonly SignInMethod[]): string =>
  new Intl.ListFormat('en', { type: 'disjunction' }).format(
    methods.map((method) => METHOD_NAMES[method].toLowerCase()),
  );
