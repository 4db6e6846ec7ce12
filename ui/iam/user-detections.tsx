import { useMemo } from 'react';
import { mayAnywhere, useMe } from '#ui/api/queries.ts';
import { EmptyState } from '#ui/patterns/empty-state.tsx';
import { USER_DETECTION_COLUMNS, USER_DETECTION_FILTERS } from './detection-columns.tsx';
import { DetectionList } from './detection-list.tsx';

/** The detections of one user. */
export function UserDetections({ user_id }: { user_id: string }) {
  const allowed = mayAnywhere(useMe().data, 'iam.detections.read');
  const query = useMemo(() => ({ user_id }), [user_id]);
  if (!allowed.allowed) return <EmptyState title="You may not see detections" hint={allowed.reason} />;
  return (
    <DetectionList
      query={query}
      columns={USER_DETECTION_COLUMNS}
      filters={USER_DETECTION_FILTERS}
      empty="Nothing suspicious was noticed of this user."
    />
  );
}
