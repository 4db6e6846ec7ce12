/** A list of detections, of everybody or of one user: each opens beside the list, with what can be done about it. */
import { useState } from 'react';
import { listDetections, type Detection } from '#contract/iam/detections.ts';
import type { QueryOf } from '#contract/endpoint.ts';
import type { Column } from '#ui/patterns/data-table.tsx';
import { ListPage } from '#ui/patterns/list-page.tsx';
import type { ListFilter } from '#ui/patterns/list-search.ts';
import { useDetectionActions } from './detection-actions.tsx';
import { DetectionDrawer } from './detection-drawer.tsx';

export function DetectionList({
  query,
  columns,
  filters,
  search,
  empty,
}: {
  query?: QueryOf<typeof listDetections>;
  columns: readonly Column<Detection>[];
  filters: readonly ListFilter[];
  search?: string;
  empty: string;
}) {
  const [opened, setOpened] = useState<Detection | null>(null);
  const { settleFor, helpFor, dialog } = useDetectionActions();
  return (
    <>
      <ListPage
        noun={{ one: 'detection', many: 'detections' }}
        endpoint={listDetections}
        {...(query && { query })}
        columns={columns}
        rowId={({ detection_id }) => detection_id}
        onOpen={setOpened}
        rowActions={(detection) => [
          ...settleFor(detection),
          ...helpFor(detection).map((action, index) => ({ ...action, divided: index === 0 })),
        ]}
        filters={filters}
        {...(search !== undefined && { search })}
        defaultSort="-last_seen_at"
        refetchInterval={10_000}
        empty={{ title: 'No detections', hint: empty }}
      />
      {opened && (
        <DetectionDrawer
          key={opened.detection_id}
          detection={opened}
          settleFor={settleFor}
          helpFor={helpFor}
          onClose={() => setOpened(null)}
        />
      )}
      {dialog}
    </>
  );
}
