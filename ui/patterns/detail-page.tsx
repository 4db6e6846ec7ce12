/** The detail page: what it is, its state, the facts beside it, what can be done, and tabs that are routes. */
import { Button } from '@mantine/core';
import { IconMapQuestion } from '@tabler/icons-react';
import { Link, type LinkProps } from '@tanstack/react-router';
import { ProblemError } from '#ui/api/errors.ts';
import { ActionMenu, type Action } from './action-menu.tsx';
import classes from './detail-page.module.css';
import { EmptyState } from './empty-state.tsx';
import { useDocumentTitle } from './page-header.tsx';
import { ProblemAlert } from './problem-alert.tsx';

export interface DetailTab {
  label: string;
  link: Pick<LinkProps, 'to' | 'params'>;
  /** A small figure behind the label. */
  count?: number | undefined;
}

export interface DetailPageProps {
  /** The list that it belongs to: the breadcrumb. */
  parent: { label: string; link: Pick<LinkProps, 'to' | 'params'> };
  noun: string;
  /** Name or id; shown before the data is there, too. */
  title: string;
  status?: React.ReactNode;
  /** Short facts beside the status. */
  facts?: readonly React.ReactNode[];
  /** Buttons at the right. */
  primary?: React.ReactNode;
  /** Everything that can be done, behind ⋯. */
  actions?: readonly Action[] | undefined;
  tabs?: readonly DetailTab[];
  loading: boolean;
  error: unknown;
  onRetry: () => void;
  /** Fills the height instead of scrolling: for pages that scroll inside. */
  fill?: boolean;
  children?: React.ReactNode;
}

export function DetailPage({
  parent,
  noun,
  title,
  status,
  facts = [],
  primary,
  actions = [],
  tabs = [],
  loading,
  error,
  onRetry,
  fill = false,
  children,
}: DetailPageProps) {
  useDocumentTitle(title);
  if (error instanceof ProblemError && error.problem.status === 404)
    return (
      <EmptyState
        icon={<IconMapQuestion size={28} stroke={1.5} />}
        title={`There is no ${noun} “${title}”`}
        hint={error.problem.detail}
      >
        <Button variant="default" renderRoot={(props) => <Link {...props} {...(parent.link as LinkProps)} />}>
          All {parent.label.toLowerCase()}
        </Button>
      </EmptyState>
    );
  const failed = error !== null && error !== undefined;
  return (
    <div className={classes.page} data-fill={fill || undefined}>
      <header className={classes.header}>
        <nav className={classes.crumbs} aria-label="Breadcrumb">
          <Link {...(parent.link as LinkProps)}>{parent.label}</Link>
          <span aria-hidden>/</span>
          <span aria-current="page">{title}</span>
        </nav>
        <div className={classes.line}>
          <h1 className={classes.title}>{title}</h1>
          {status}
          {facts.filter(Boolean).length > 0 && (
            <div className={classes.facts}>
              {facts.filter(Boolean).map((fact, index) => (
                <span key={index}>{fact}</span>
              ))}
            </div>
          )}
          <div className={classes.actions}>
            {primary}
            {actions.length > 0 && <ActionMenu actions={actions} label={`Actions of ${title}`} />}
          </div>
        </div>
        {tabs.length > 0 && (
          <nav className={classes.tabs} aria-label={`Parts of ${title}`}>
            {tabs.map(({ label, link, count }) => (
              <Link
                key={label}
                {...(link as LinkProps)}
                activeOptions={{ exact: true, includeSearch: false }}
                className={classes.tab}
              >
                {label}
                {count !== undefined && <span className={classes.count}>{count}</span>}
              </Link>
            ))}
          </nav>
        )}
      </header>
      <div className={classes.body}>
        {failed && (
          <ProblemAlert error={error} tone={loading ? 'failing' : 'attention'} onRetry={onRetry}>
            {!loading && <p>What you see below is the last answer.</p>}
          </ProblemAlert>
        )}
        {loading ? !failed && <DetailSkeleton /> : children}
      </div>
    </div>
  );
}

function DetailSkeleton() {
  return (
    <div className={classes.skeleton} aria-busy aria-label="Loading">
      {[180, 260, 220].map((height) => (
        <div key={height} style={{ height }} />
      ))}
    </div>
  );
}
