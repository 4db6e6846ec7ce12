/**
 * The frame that the pages of one node, one service and one host share: who it is, how it is and since when, what is wrong with it,
 * its facts, and tabs that are routes. A tab is as tall as what it shows and the page scrolls; a list takes the height that is left
 * and scrolls inside (`FleetList`).
 */
import { Outlet } from '@tanstack/react-router';
import type { Observation } from '#contract/common.ts';
import { EnvironmentBadge } from '#ui/app/environment-badge.tsx';
import { DetailPage, type DetailPageProps, type DetailTab } from '#ui/patterns/detail-page.tsx';
import { ObservedAge } from '#ui/patterns/observed-age.tsx';
import { Properties, Property } from '#ui/patterns/panel.tsx';
import { RelativeTime } from '#ui/patterns/relative-time.tsx';
import classes from './fleet-page.module.css';
import { LabelList } from './label-list.tsx';
import { Trouble } from './trouble.tsx';

/** What every observed thing of the fleet says of itself. */
interface Observed {
  environment: string;
  since: string;
  problem: string | null;
  observation: Observation;
}

export interface FleetPageProps extends Pick<
  DetailPageProps,
  'parent' | 'noun' | 'title' | 'status' | 'primary' | 'actions'
> {
  /** What was read of it; the page is its skeleton until there is an answer. */
  read: { data: Observed | undefined; error: Error | null; refetch: () => unknown };
  /** What it is, in a word, beside its environment. */
  about?: string | null | undefined;
  /** Instead of its own problem, where more is to say. */
  trouble?: string | null | undefined;
  facts: React.ReactNode;
  tabs: readonly DetailTab[];
  dialog: React.ReactNode;
}

export function FleetPage({
  read: { data: thing, error, refetch },
  about,
  trouble = thing?.problem,
  facts,
  dialog,
  ...page
}: FleetPageProps) {
  return (
    <DetailPage
      {...page}
      facts={
        thing
          ? [
              <EnvironmentBadge key="environment" environment={thing.environment} />,
              about,
              <span key="since">
                since <RelativeTime iso={thing.since} />
              </span>,
              <ObservedAge key="observed" observation={thing.observation} />,
            ]
          : []
      }
      loading={thing === undefined}
      error={error}
      onRetry={() => void refetch()}
    >
      <Trouble problem={trouble ?? null} />
      {facts}
      <Outlet />
      {dialog}
    </DetailPage>
  );
}

/** Three columns of properties and the labels below. `stale`: what was said once and may not hold any more is dimmed. */
export function FleetFacts({
  labels,
  stale = false,
  children,
}: {
  labels: Record<string, string>;
  stale?: boolean;
  children: React.ReactNode;
}) {
  return (
    <div className={classes.facts} data-stale={stale || undefined}>
      {children}
      <Properties className={classes.across}>
        <Property name="Labels">
          <LabelList labels={labels} />
        </Property>
      </Properties>
    </div>
  );
}

/** A tab that is a list: it takes the height that the page has left. */
export const FleetList = ({ children }: { children: React.ReactNode }) => (
  <div className={classes.list}>{children}</div>
);
