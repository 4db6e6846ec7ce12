import { Link, useSearch } from '@tanstack/react-router';
import { oneValue } from '#ui/app/search-params.ts';
import classes from './search-tabs.module.css';

export interface SearchTab<Id extends string> {
  id: Id;
  label: string;
  count?: number | undefined;
}

/** The tab that the URL names (`?tab=sessions`); the first one when it names none. */
export function useSearchTab<const Id extends string>(ids: readonly [Id, ...Id[]]): Id {
  const named = oneValue(useSearch({ strict: false })['tab']);
  return ids.find((id) => id === named) ?? ids[0];
}

/** Tabs of a page that are links, so that each has an address. Filters belong to their tab and go with it. */
export function SearchTabs<Id extends string>({
  label,
  tabs,
  current,
}: {
  label: string;
  tabs: readonly SearchTab<Id>[];
  current: Id;
}) {
  return (
    <nav className={classes.tabs} aria-label={label}>
      {tabs.map((tab, index) => (
        <Link
          key={tab.id}
          to="."
          search={(before) => ({
            ...(before.env !== undefined && { env: before.env }),
            ...(index > 0 && { tab: tab.id }),
          })}
          state={{ cursors: [] }}
          className={classes.tab}
          aria-current={tab.id === current ? 'page' : undefined}
          data-current={tab.id === current || undefined}
        >
          {tab.label}
          {tab.count !== undefined && <span className={classes.count}>{tab.count}</span>}
        </Link>
      ))}
    </nav>
  );
}
