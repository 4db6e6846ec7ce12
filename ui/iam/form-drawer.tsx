/** A form at the side: fields scroll, the footer stays. Mounted while it is open, so that it always starts afresh. */
import { Button, Drawer } from '@mantine/core';
import type { ReactNode, SubmitEvent } from 'react';
import { ProblemAlert } from '#ui/patterns/problem-alert.tsx';
import classes from './form-drawer.module.css';

export function FormDrawer({
  title,
  verb,
  onSubmit,
  onClose,
  pending = false,
  disabled = false,
  error = null,
  notice,
  footnote = null,
  wide = false,
  children,
}: {
  title: string;
  /** Beside the buttons: what the change needs. */
  footnote?: string | null;
  /** The verb on the button: "Create user". */
  verb: string;
  onSubmit: () => void;
  onClose: () => void;
  pending?: boolean;
  /** The fields are not complete yet. */
  disabled?: boolean;
  /** What no field of the form says itself. */
  error?: unknown;
  /** In place of the error. */
  notice?: ReactNode;
  wide?: boolean;
  children: ReactNode;
}) {
  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    if (!pending && !disabled) onSubmit();
  };
  return (
    <SideDrawer title={title} onClose={onClose} wide={wide}>
      <form className={classes.form} onSubmit={submit}>
        <div className={classes.fields}>{children}</div>
        {/* Beside the button that was pressed, wherever the fields are scrolled to. */}
        <div className={classes.notice}>{notice ?? <ProblemAlert error={error} />}</div>
        <footer className={classes.footer}>
          {footnote !== null && <span className={classes.footnote}>{footnote}</span>}
          <Button variant="default" onClick={onClose}>
            Cancel
          </Button>
          <Button type="submit" loading={pending} disabled={disabled}>
            {verb}
          </Button>
        </footer>
      </form>
    </SideDrawer>
  );
}

/** What follows a form when its result is shown once: no way back, one button. */
export function ResultDrawer({
  title,
  onClose,
  children,
}: {
  title: string;
  onClose: () => void;
  children: ReactNode;
}) {
  return (
    <SideDrawer title={title} onClose={onClose} closeOnClickOutside={false}>
      <div className={classes.form}>
        <div className={classes.fields}>{children}</div>
        <footer className={classes.footer}>
          <Button onClick={onClose} data-autofocus>
            Done
          </Button>
        </footer>
      </div>
    </SideDrawer>
  );
}

/** The frame of what opens at the side. */
export function SideDrawer({
  title,
  onClose,
  wide = false,
  closeOnClickOutside = true,
  children,
}: {
  title: string;
  onClose: () => void;
  wide?: boolean;
  closeOnClickOutside?: boolean;
  children: ReactNode;
}) {
  return (
    <Drawer
      opened
      onClose={onClose}
      title={title}
      {...(wide && { size: 760 })}
      padding={0}
      closeOnClickOutside={closeOnClickOutside}
      closeButtonProps={{ 'aria-label': 'Close' }}
      classNames={classes}
    >
      {children}
    </Drawer>
  );
}
