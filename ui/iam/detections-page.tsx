import { DETECTION_STATES, type DetectionState } from '#contract/iam/detections.ts';
import { PageHeader } from '#ui/patterns/page-header.tsx';
import { DETECTION_COLUMNS, DETECTION_FILTERS } from './detection-columns.tsx';
import { DetectionList } from './detection-list.tsx';
import classes from './detections-page.module.css';
import { SearchTabs, useSearchTab } from './search-tabs.tsx';

const LABELS: Record<DetectionState, string> = {
  open: 'Open',
  acknowledged: 'Acknowledged',
  resolved: 'Resolved',
};
const EMPTY: Record<DetectionState, string> = {
  open: 'What is noticed appears here: many wrong passwords or second factors, many sessions, a session on another network, a refresh token used twice.',
  acknowledged: 'What somebody looks into appears here until it is resolved.',
  resolved: 'What was resolved stays here, with what came out.',
};
const QUERIES = {
  open: { state: 'open' },
  acknowledged: { state: 'acknowledged' },
  resolved: { state: 'resolved' },
} as const;

export function DetectionsPage() {
  const state = useSearchTab(DETECTION_STATES);
  return (
    <div className={classes.page}>
      <PageHeader title="Detections" />
      <SearchTabs
        label="Detections by state"
        current={state}
        tabs={DETECTION_STATES.map((id) => ({ id, label: LABELS[id] }))}
      />
      <div className={classes.body}>
        <DetectionList
          key={state}
          query={QUERIES[state]}
          columns={DETECTION_COLUMNS}
          filters={DETECTION_FILTERS}
          search="Search by email, name or address"
          empty={EMPTY[state]}
        />
      </div>
    </div>
  );
}
