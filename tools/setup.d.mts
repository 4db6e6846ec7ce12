/** The parts of `setup.mjs` that TypeScript uses. */
/** The checkout. */
export declare const root: string;
export declare const nodeFlags: string[];
export declare function programEnvironment(): Record<string, string>;
