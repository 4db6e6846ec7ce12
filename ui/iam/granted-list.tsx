import { PERMISSIONS } from '#contract/permissions.ts';
import classes from './granted-list.module.css';
import { grantedPermissions, unknownPatterns } from './permission-tree.ts';

/** What patterns grant, permission by permission in words, by domain; and what a wildcard will take in later. */
export function GrantedList({ patterns }: { patterns: readonly string[] }) {
  const granted = grantedPermissions(patterns);
  const domains = [...new Set(granted.map((name) => name.split('.')[0] ?? ''))];
  const wildcards = patterns.filter((pattern) => pattern.endsWith('*'));
  const unknown = unknownPatterns(patterns);
  return (
    <div className={classes.list}>
      {domains.map((domain) => (
        <div key={domain} className={classes.domain}>
          <p className={classes.name}>{domain}</p>
          <ul>
            {granted
              .filter((name) => name.startsWith(`${domain}.`))
              .map((name) => (
                <li key={name} className={classes.permission} title={name}>
                  {PERMISSIONS[name]}
                </li>
              ))}
          </ul>
        </div>
      ))}
      {wildcards.length > 0 && (
        <p className={classes.note}>
          <code>{wildcards.join(', ')}</code> also {wildcards.length === 1 ? 'takes' : 'take'} in what is
          added there later.
        </p>
      )}
      {unknown.length > 0 && (
        <p className={classes.note}>
          <code>{unknown.join(', ')}</code> {unknown.length === 1 ? 'matches' : 'match'} nothing in this
          version.
        </p>
      )}
    </div>
  );
}
