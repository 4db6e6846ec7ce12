type Program = { path: string } | { reason: string };
export declare function findPromtool(): Program;
export declare function findAmtool(): Program;
export declare function findAlertmanager(): { command: string[] } | { reason: string };
