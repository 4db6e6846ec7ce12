import { Menu, Tooltip } from '@mantine/core';
import { IconDots, type Icon } from '@tabler/icons-react';
import { Fragment, useRef, useState } from 'react';
import type { Allowance } from '#ui/api/queries.ts';
import classes from './action-menu.module.css';

/** Something that can be done to a thing. `disabled` is the reason why not now; the action stays listed, so that it can be found. */
export interface Action {
  label: string;
  icon?: Icon;
  onSelect: () => void;
  disabled?: string | null | undefined;
  danger?: boolean;
  /** Starts a new group in the menu. */
  divided?: boolean;
}

/** The first reason against an action, out of permission and state: `firstReason(may(…), stateReason)`. */
export const firstReason = (...against: (Allowance | string | null | undefined | false)[]): string | null => {
  for (const reason of against) {
    if (typeof reason === 'string') return reason;
    if (reason && !reason.allowed) return reason.reason;
  }
  return null;
};

/** Why a state does not allow an action, by a state table of the contract; null when it does. */
export const stateReason = (allowed: readonly string[], state: string, noun: string): string | null =>
  allowed.includes(state) ? null : `Not while the ${noun} is ${state.replaceAll('_', ' ')}`;

/**
 * The ⋯ menu: every action, the disabled ones with their reason. The menu itself is made when it is opened, because every row of a
 * table has one; it stands over its button, which stays as it is and gets the focus back.
 */
export function ActionMenu({ actions, label = 'Actions' }: { actions: readonly Action[]; label?: string }) {
  const [open, setOpen] = useState(false);
  const button = useRef<HTMLButtonElement>(null);
  // A click on the button closes the open menu first; it must not open it again.
  const openBefore = useRef(false);
  const close = () => {
    setOpen(false);
    button.current?.focus({ preventScroll: true });
  };
  return (
    <span className={classes.place}>
      <button
        type="button"
        ref={button}
        className={classes.button}
        aria-label={label}
        aria-haspopup="menu"
        aria-expanded={open}
        onMouseDown={() => {
          openBefore.current = open;
        }}
        onClick={(event) => {
          event.stopPropagation();
          setOpen(!(openBefore.current && event.detail > 0));
        }}
      >
        <IconDots size={16} aria-hidden />
      </button>
      {open && (
        <Menu opened onClose={close} withinPortal width="max-content">
          <Menu.Target>
            <span className={classes.anchor} />
          </Menu.Target>
          <Menu.Dropdown aria-label={label} onClick={(event) => event.stopPropagation()}>
            {actions.map((action) => (
              <Fragment key={action.label}>
                {action.divided && <Menu.Divider />}
                <ActionItem
                  action={action}
                  onSelect={() => {
                    close();
                    action.onSelect();
                  }}
                />
              </Fragment>
            ))}
          </Menu.Dropdown>
        </Menu>
      )}
    </span>
  );
}

function ActionItem({ action, onSelect }: { action: Action; onSelect: () => void }) {
  const { label, icon: ActionIconOf, disabled, danger } = action;
  const item = (
    <Menu.Item
      {...(danger && !disabled && { color: 'var(--failing)' })}
      leftSection={ActionIconOf && <ActionIconOf size={15} />}
      aria-disabled={disabled ? true : undefined}
      data-off={disabled ? true : undefined}
      closeMenuOnClick={!disabled}
      onClick={() => {
        if (!disabled) onSelect();
      }}
    >
      {label}
    </Menu.Item>
  );
  // Stays focusable, so that the reason can be read by keyboard too.
  return disabled ? (
    <Tooltip label={disabled} position="left" events={{ hover: true, focus: true, touch: true }}>
      {item}
    </Tooltip>
  ) : (
    item
  );
}
