/** The parts of `setup.mjs` that TypeScript uses. */
export const nodeFlags: string[];
export function programEnvironment(): Record<string, string>;
