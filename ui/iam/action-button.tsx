import { Button, Tooltip, type ButtonProps } from '@mantine/core';
import type { ComponentProps } from 'react';

/**
 * A button that says why it does not work. It stays focusable while it does not, so that the reason can be read by keyboard and by
 * screen reader.
 */
export function ActionButton({
  disabledReason,
  onClick,
  ...props
}: ButtonProps & Omit<ComponentProps<'button'>, keyof ButtonProps> & { disabledReason: string | null }) {
  if (disabledReason === null) return <Button {...props} onClick={onClick} />;
  return (
    <Tooltip label={disabledReason} events={{ hover: true, focus: true, touch: true }}>
      <Button {...props} data-disabled aria-disabled onClick={(event) => event.preventDefault()} />
    </Tooltip>
  );
}
