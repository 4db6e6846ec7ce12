/** The few relabelling rules that the scrape configuration is made of, in the words that vmagent and Prometheus share. */

export interface RelabelRule {
  source_labels?: readonly string[];
  separator?: string;
  regex?: string;
  target_label?: string;
  replacement?: string;
  action?: 'keep' | 'drop' | 'labeldrop';
}

/** Keeps targets or series whose labels, joined by `;`, match as a whole. */
export const keep = (labels: readonly string[], regex: string): RelabelRule => ({
  source_labels: labels,
  regex,
  action: 'keep',
});

export const drop = (labels: readonly string[], regex: string): RelabelRule => ({
  source_labels: labels,
  regex,
  action: 'drop',
});

/** Keeps the series of these names. */
export const keepMetrics = (names: readonly string[]): RelabelRule => keep(['__name__'], names.join('|'));

/** Takes labels off. What is left must still tell the series apart. */
export const dropLabels = (regex: string): RelabelRule => ({ regex, action: 'labeldrop' });

/** Copies a label, where it has a value. */
export const rename = (from: string, to: string): RelabelRule => ({
  source_labels: [from],
  regex: '(.+)',
  target_label: to,
});

export const setLabel = (label: string, value: string): RelabelRule => ({
  target_label: label,
  replacement: value,
});

/** Joins labels into one. */
export const join = (labels: readonly string[], separator: string, to: string): RelabelRule => ({
  source_labels: labels,
  separator,
  target_label: to,
});

/** Sets `to` to the first group of `regex`, where the labels, joined by `;`, match. */
export const extract = (labels: readonly string[], regex: string, to: string): RelabelRule => ({
  source_labels: labels,
  regex,
  target_label: to,
});
