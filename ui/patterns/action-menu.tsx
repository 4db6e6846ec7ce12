import { ActionIcon, Menu, Tooltip } from '@mantine/core';
import { IconDots, type Icon } from '@tabler/icons-react';
import { Fragment } from 'react';
import type { Allowance } from '#ui/api/queries.ts';

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

/** The ⋯ menu: every action, the disabled ones with their reason. */
export function ActionMenu({
  actions,
  label = 'Actions',
  target,
}: {
  actions: readonly Action[];
  label?: string;
  /** Another button than ⋯. */
  target?: React.ReactNode;
}) {
  return (
    <Menu withinPortal width="max-content">
      <Menu.Target>
        {target ?? (
          <ActionIcon aria-label={label} size={28} onClick={(event) => event.stopPropagation()}>
            <IconDots size={16} />
          </ActionIcon>
        )}
      </Menu.Target>
      <Menu.Dropdown onClick={(event) => event.stopPropagation()}>
        {actions.map((action) => (
          <Fragment key={action.label}>
            {action.divided && <Menu.Divider />}
            <ActionItem action={action} />
          </Fragment>
        ))}
      </Menu.Dropdown>
    </Menu>
  );
}

function ActionItem({ action }: { action: Action }) {
  const { label, icon: ActionIconOf, onSelect, disabled, danger } = action;
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
