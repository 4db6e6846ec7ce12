import { IconAlertCircle } from '@tabler/icons-react';
import { words } from '#ui/patterns/format.ts';
import { ProblemAlert } from '#ui/patterns/problem-alert.tsx';
import classes from './tenant-form.module.css';

/** What is wrong with a form: the names of the fields that say so themselves, or the problem that no field can say. */
export function FormProblem({ error, shown }: { error: unknown; shown: Record<string, React.ReactNode> }) {
  const fields = Object.keys(shown).filter((name) => Boolean(shown[name]));
  if (fields.length === 0) return <ProblemAlert error={error} />;
  return (
    <p className={classes.problem} role="alert">
      <IconAlertCircle size={15} aria-hidden />
      Look again at {fields.map((field) => words(field.replaceAll('.', ' '))).join(', ')}
    </p>
  );
}
