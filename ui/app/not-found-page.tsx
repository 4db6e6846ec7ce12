import { Button } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import { IconMapQuestion } from '@tabler/icons-react';
import { EmptyState } from '#ui/patterns/empty-state.tsx';

export function NotFoundPage() {
  return (
    <EmptyState
      icon={<IconMapQuestion size={28} stroke={1.5} />}
      title="There is no page here"
      hint="The address may be mistyped, or what it named is gone."
    >
      <Button variant="default" renderRoot={(props) => <Link {...props} to="/" />}>
        Go to the overview
      </Button>
    </EmptyState>
  );
}
