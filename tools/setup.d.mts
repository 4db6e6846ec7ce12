/** The parts of `setup.mjs` that TypeScript uses. */
export declare const nodeFlags: string[];
export declare function programEnvironment(): Record<string, string>;
