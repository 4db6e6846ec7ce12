export declare function findWycheproof(): { path: string } | { reason: string };
