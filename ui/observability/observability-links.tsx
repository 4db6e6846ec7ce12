/** Ways out into Grafana, with the range and the thing filled in. */
import { Button, Menu } from '@mantine/core';
import { IconChevronDown, IconExternalLink } from '@tabler/icons-react';
import type { ObservabilityLink } from '#contract/observability.ts';

/** A link that leaves the control plane: a tab of its own, which learns nothing of this one. */
export const OUTSIDE = { target: '_blank', rel: 'noopener noreferrer' } as const;

/** One menu of all links; nothing where there is none. */
export function LinksMenu({ links }: { links: readonly ObservabilityLink[] }) {
  if (links.length === 0) return null;
  return (
    <Menu width={320}>
      <Menu.Target>
        <Button variant="default" size="xs" rightSection={<IconChevronDown size={14} />}>
          Open in Grafana
        </Button>
      </Menu.Target>
      <Menu.Dropdown>
        {links.map(({ url, title, description }) => (
          <Menu.Item
            key={url}
            component="a"
            href={url}
            {...OUTSIDE}
            rightSection={<IconExternalLink size={14} aria-label="Opens in a new tab" />}
          >
            {title}
            <br />
            <small>{description}</small>
          </Menu.Item>
        ))}
      </Menu.Dropdown>
    </Menu>
  );
}
