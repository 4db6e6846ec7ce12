export function JobProgress(_: { job_id: string }) {
  return null;
}
