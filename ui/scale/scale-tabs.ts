/** The parts of Scale & Placement, in groups: what is placed where, what runs, and how it hangs together. */
export const SCALE_TABS = [
  [
    { label: 'Shards', to: '/scale/shards' },
    { label: 'Placements', to: '/scale/placements' },
  ],
  [
    { label: 'Nodes', to: '/scale/nodes' },
    { label: 'Services', to: '/scale/services' },
    { label: 'Hosts', to: '/scale/hosts' },
    { label: 'Tasks', to: '/scale/tasks' },
  ],
  [{ label: 'Topology', to: '/scale/topology' }],
] as const;
