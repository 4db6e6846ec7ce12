import { Button, PasswordInput } from '@mantine/core';
import { IconDice5 } from '@tabler/icons-react';
import { useState } from 'react';
import { CopyButton } from '#ui/patterns/middle-truncate.tsx';
import classes from './new-password-field.module.css';
import { generatePassword, NEW_PASSWORD_MIN, newPasswordFault } from './password-rules.ts';

/**
 * A new password, typed or generated. A generated one is visible and can be copied: it is shown here and never again.
 */
export function NewPasswordField({
  label = 'Password',
  value,
  onChange,
  error,
  generator = true,
  ...props
}: {
  label?: string;
  value: string;
  onChange: (password: string) => void;
  /** What the server said of it. */
  error?: string | undefined;
  generator?: boolean;
  'data-autofocus'?: boolean;
}) {
  const [visible, setVisible] = useState(false);
  const [generated, setGenerated] = useState<string | null>(null);
  const [left, setLeft] = useState(false);
  const isGenerated = generated !== null && generated === value;
  return (
    <div className={classes.field}>
      <PasswordInput
        {...props}
        className={classes.input}
        label={label}
        name="new-password"
        autoComplete="new-password"
        description={
          isGenerated ? undefined : `${NEW_PASSWORD_MIN} characters at least; common passwords are refused`
        }
        value={value}
        visible={visible}
        onVisibilityChange={setVisible}
        onChange={(event) => onChange(event.currentTarget.value)}
        onBlur={() => setLeft(true)}
        error={error ?? (left && value !== '' ? newPasswordFault(value) : null)}
        spellCheck={false}
        data-mono={visible || undefined}
        required
        withAsterisk={false}
      />
      {generator && (
        <div className={classes.generate}>
          <Button
            variant="default"
            size="xs"
            leftSection={<IconDice5 size={14} />}
            onClick={() => {
              const password = generatePassword();
              setGenerated(password);
              setVisible(true);
              onChange(password);
            }}
          >
            {isGenerated ? 'Generate another' : 'Generate a strong one'}
          </Button>
          {isGenerated && (
            <>
              <CopyButton text={value} label="Copy password" always />
              <span className={classes.once}>Copy it now: it is not shown again.</span>
            </>
          )}
        </div>
      )}
    </div>
  );
}
