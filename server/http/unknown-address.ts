import { ControlError } from './control-error.ts';

export const unknownAddress = (url: string) =>
  new ControlError('not_found', `There is nothing at ${url.split('?')[0]}; see /admin/docs.`);
