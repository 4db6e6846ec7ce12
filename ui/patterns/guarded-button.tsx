import { Button, Tooltip, type ButtonProps } from '@mantine/core';

/**
 * A button that says why it does not work. With a reason in `against` it looks disabled and does nothing, but keeps its place in the
 * tab order, so that the reason can be read by keyboard and by screen readers.
 */
export function GuardedButton({
  against,
  onClick,
  type = 'button',
  ...props
}: ButtonProps & {
  against: string | null;
  onClick?: () => void;
  type?: 'button' | 'submit';
  'data-autofocus'?: boolean;
}) {
  const off = against !== null && !props.loading;
  return (
    <Tooltip label={against} disabled={!off} events={{ hover: true, focus: true, touch: true }}>
      <Button
        {...props}
        type={off ? 'button' : type}
        {...(off ? { 'aria-disabled': true, 'data-disabled': true } : { onClick: () => onClick?.() })}
      />
    </Tooltip>
  );
}
