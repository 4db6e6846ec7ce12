import type { Plan } from '#contract/jobs.ts';
export interface PlanDialogProps {
  title: string;
  verb: string;
  plan: () => Promise<Plan>;
  start: (input: { plan_hash: string; reason: string }) => Promise<{ job_id: string }>;
  onClose: () => void;
}
export function PlanDialog(_: PlanDialogProps) {
  return null;
}
