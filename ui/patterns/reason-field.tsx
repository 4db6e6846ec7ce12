import { Textarea, type TextareaProps } from '@mantine/core';
import { Reason } from '#contract/common.ts';

const { minLength: MIN_LENGTH, maxLength: MAX_LENGTH } = Reason as unknown as {
  minLength: number;
  maxLength: number;
};

/** Whether a text will do as the reason of a change. */
export const isReason = (text: string): boolean =>
  text.trim().length >= MIN_LENGTH && text.length <= MAX_LENGTH;

/** The reason of a change, as the audit log keeps it. `value` and `onChange` are texts. */
export function ReasonField({
  value,
  onChange,
  required = true,
  placeholder = 'Why? A ticket number helps whoever reads this later',
  ...props
}: { value: string; onChange: (value: string) => void } & Omit<TextareaProps, 'value' | 'onChange'>) {
  return (
    <Textarea
      label="Reason, kept in the audit log"
      placeholder={placeholder}
      required={required}
      autosize
      minRows={2}
      maxRows={6}
      maxLength={MAX_LENGTH}
      value={value}
      onChange={(event) => onChange(event.currentTarget.value)}
      {...props}
    />
  );
}
