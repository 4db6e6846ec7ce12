/** Choosing permissions in a tree with wildcards, beside a live list of what the choice grants. */
import { Checkbox, Tooltip } from '@mantine/core';
import { useState } from 'react';
import { useMe } from '#ui/api/queries.ts';
import { GrantedList } from './granted-list.tsx';
import classes from './permission-picker.module.css';
import { EVERYWHERE, type Scope } from './scope-label.tsx';
import {
  addPattern,
  coveredBy,
  grantedPermissions,
  notHeld,
  isPartly,
  permissionTree,
  type PermissionNode,
} from './permission-tree.ts';

const ROOT: PermissionNode = {
  pattern: '*',
  label: 'Everything',
  description: null,
  children: permissionTree(),
};

export function PermissionPicker({
  value,
  onChange,
  scope = EVERYWHERE,
  error,
}: {
  value: readonly string[];
  onChange: (patterns: string[]) => void;
  /** Where they are to apply; one gives only what one holds there. */
  scope?: Scope;
  error?: React.ReactNode;
}) {
  const grants = useMe().data?.grants ?? [];
  // What was chosen before this person came stays choosable, so that it can be taken out and put back.
  const [initial] = useState(value);
  const mayGive = (pattern: string) =>
    initial.includes(pattern) || notHeld(grants, [pattern], scope).length === 0;
  const toggle = (pattern: string, on: boolean) =>
    onChange(on ? addPattern(value, pattern) : value.filter((one) => one !== pattern));
  const beyond = notHeld(
    grants,
    value.filter((pattern) => !initial.includes(pattern)),
    scope,
  );
  const count = grantedPermissions(value).length;
  return (
    <fieldset className={classes.picker}>
      <legend className={classes.legend}>Permissions</legend>
      <div className={classes.columns}>
        <div className={classes.tree}>
          <ul>
            <Branch node={ROOT} depth={0} chosen={value} mayGive={mayGive} onToggle={toggle} />
          </ul>
        </div>
        <div
          className={classes.grants}
          role="region"
          aria-label="What this grants"
          aria-live="polite"
          // oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- it scrolls, so the keyboard must reach it
          tabIndex={0}
        >
          <p className={classes.count}>
            {count === 0
              ? 'Grants nothing yet'
              : `Grants ${count} ${count === 1 ? 'permission' : 'permissions'}`}
          </p>
          <GrantedList patterns={value} />
        </div>
      </div>
      {(error ?? beyond.length > 0) && (
        <p className={classes.error} role="alert">
          {error ?? `You do not hold ${beyond.join(', ')} there yourself, so you cannot give it.`}
        </p>
      )}
    </fieldset>
  );
}

function Branch({
  node,
  depth,
  chosen,
  mayGive,
  onToggle,
}: {
  node: PermissionNode;
  depth: number;
  chosen: readonly string[];
  mayGive: (pattern: string) => boolean;
  onToggle: (pattern: string, on: boolean) => void;
}) {
  const { pattern, label, description, children } = node;
  const cover = coveredBy(chosen, pattern);
  const held = mayGive(pattern);
  const why = cover
    ? `Covered by ${cover}`
    : held
      ? null
      : 'You do not hold this there yourself, so you cannot give it';
  const box = (
    <Checkbox
      size="xs"
      className={classes.box}
      data-wildcard={children.length > 0 || undefined}
      label={
        <>
          {children.length > 0 ? <b>{label}</b> : label}
          <span className={classes.hint}>{children.length > 0 ? pattern : description}</span>
        </>
      }
      aria-label={`${pattern}${description ? `: ${description}` : ''}`}
      checked={cover !== null || chosen.includes(pattern)}
      indeterminate={isPartly(chosen, pattern)}
      disabled={why !== null}
      onChange={(event) => onToggle(pattern, event.currentTarget.checked)}
    />
  );
  return (
    <li style={{ paddingLeft: depth > 0 ? 20 : 0 }}>
      {why ? (
        <Tooltip label={why} position="right">
          <div>{box}</div>
        </Tooltip>
      ) : (
        box
      )}
      {children.length > 0 && (
        <ul>
          {children.map((child) => (
            <Branch
              key={child.pattern}
              node={child}
              depth={depth + 1}
              chosen={chosen}
              mayGive={mayGive}
              onToggle={onToggle}
            />
          ))}
        </ul>
      )}
    </li>
  );
}
