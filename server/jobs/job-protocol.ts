/**
 * What a running job and the server that finishes it must agree on. DBOS recovers only workflows of its own application
 * version: raise this with an incompatible change of the runner or of any job's steps, and with nothing else, so that an
 * upgraded server finishes what the old one began.
 */
export const JOB_PROTOCOL_VERSION = 'jobs-1';
export const JOB_QUEUE = 'control_jobs';
export const JOB_WORKFLOW = 'run_job';
/** PostgreSQL channel that says "this job moved"; the payload is the job's id. */
export const JOB_CHANNEL = 'control_jobs';
