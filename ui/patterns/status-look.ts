/** How a state is drawn: its word, its icon, its tone. */
import { IconCircleFilled, IconLoader2, type Icon } from '@tabler/icons-react';

/** neutral = absent or finished; progress = in progress; well; attention = needs a look; failing = failing or destructive. */
export type Tone = 'neutral' | 'progress' | 'well' | 'attention' | 'failing';

export interface StatusLook {
  word: string;
  tone: Tone;
  icon: Icon;
  /** The icon turns while the state lasts. */
  turning?: true;
  /** What the state means, on hover. */
  meaning?: string;
}

/** All is as it should be. */
export const well = (word: string): StatusLook => ({ word, tone: 'well', icon: IconCircleFilled });
/** Something is at work on it. */
export const turning = (word: string): StatusLook => ({
  word,
  tone: 'progress',
  icon: IconLoader2,
  turning: true,
});
