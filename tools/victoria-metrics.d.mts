export declare function findVictoriaMetrics(program: string): { path: string } | { reason: string };
