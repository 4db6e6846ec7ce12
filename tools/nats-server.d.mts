export declare function findNatsServer(): { path: string } | { reason: string };
