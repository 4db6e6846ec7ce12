/** The frame of every page: environment, navigation, palette, live counters, the person. */
import { Menu, Tooltip, UnstyledButton, useMantineColorScheme, type MantineColorScheme } from '@mantine/core';
import {
  IconCheck,
  IconChevronDown,
  IconDeviceDesktop,
  IconKeyboard,
  IconLoader2,
  IconMoon,
  IconSearch,
  IconSun,
  IconThumbUp,
} from '@tabler/icons-react';
import { Link, Outlet, useNavigate } from '@tanstack/react-router';
import { lazy, Suspense, useCallback, useMemo, useState } from 'react';
import { listApprovals } from '#contract/approvals.ts';
import type { Me } from '#contract/iam.ts';
import { listJobs } from '#contract/jobs.ts';
import { useEndpoint, useMe } from '#ui/api/queries.ts';
import { StepUpPrompt } from '#ui/api/step-up-prompt.tsx';
import { ActingBanner } from '#ui/iam/acting-banner.tsx';
import { SessionMenu } from '#ui/iam/session-menu.tsx';
import { formatCount, initialsOf, plural } from '#ui/patterns/format.ts';
import { ProblemAlert } from '#ui/patterns/problem-alert.tsx';
import { StatusPill } from '#ui/patterns/status-pill.tsx';
import { environmentTone } from './environment-badge.tsx';
import { useEnvironment, useEnvironmentInUrl } from './environment.tsx';
import { navigationFor } from './navigation.ts';
import { OpenDetections } from './open-detections.tsx';
import { ShortcutHelp } from './shortcut-help.tsx';
import { useShortcuts } from './shortcuts.ts';
import classes from './shell.module.css';

const loadPalette = () => import('./command-palette.tsx');
const CommandPalette = lazy(async () => ({ default: (await loadPalette()).CommandPalette }));

export function Shell() {
  const me = useMe();
  const { environment, production } = useEnvironment();
  useEnvironmentInUrl();
  const [palette, setPalette] = useState(false);
  const [help, setHelp] = useState(false);
  const navigate = useNavigate();
  const entries = useMemo(() => (me.data ? navigationFor(me.data) : []), [me.data]);

  const openPalette = useCallback(() => {
    setPalette(true);
    void loadPalette().then(({ openPalette: open }) => open());
  }, []);
  const openHelp = useCallback(() => setHelp(true), []);
  const goTo = useCallback(
    (key: string) => {
      const entry = entries.find((one) => one.key === key);
      if (entry) void navigate({ to: entry.to });
      return entry !== undefined;
    },
    [entries, navigate],
  );
  useShortcuts({ openPalette, openHelp, goTo });

  return (
    <div
      className={classes.shell}
      data-acting={me.data?.impersonation ? true : undefined}
      data-env={environmentTone(environment, production)}
    >
      <a href="#content" className={classes.skip}>
        Skip to the content
      </a>
      <header className={classes.header}>
        <Link to="/" className={classes.brand}>
          <img src="/favicon.svg" alt="" width={20} height={20} />
          <span>
            Cloudlysis <b>Control</b>
          </span>
        </Link>
        <EnvironmentSwitcher />
        <UnstyledButton
          className={classes.search}
          onClick={openPalette}
          onPointerEnter={() => void loadPalette()}
          aria-keyshortcuts="Control+K"
        >
          <IconSearch size={15} aria-hidden />
          <span>Search or jump to…</span>
          <kbd aria-hidden>Ctrl K</kbd>
        </UnstyledButton>
        <div className={classes.end}>
          {me.data && entries.some(({ to }) => to === '/jobs') && <LiveJobs />}
          {me.data && <WaitingApprovals />}
          {me.data && <PersonMenu me={me.data} onHelp={openHelp} />}
        </div>
      </header>
      {me.data && <ActingBanner who={me.data} />}
      <nav className={classes.nav} aria-label="Main">
        {entries.map(({ label, to, icon: EntryIcon }) => (
          <Link
            key={to}
            to={to}
            className={classes.entry}
            activeOptions={{ exact: to === '/', includeSearch: false }}
            title={label}
          >
            <EntryIcon size={17} stroke={1.75} aria-hidden />
            <span>{label}</span>
            {to === '/detections' && <OpenDetections />}
          </Link>
        ))}
      </nav>
      <main className={classes.main} id="content" tabIndex={-1}>
        {me.error && !me.data ? (
          <div className={classes.failed}>
            <ProblemAlert error={me.error} onRetry={() => void me.refetch()} />
          </div>
        ) : (
          // Drawn while `me` is still on its way, so that the page's own reads are, too.
          <Outlet />
        )}
      </main>
      <StepUpPrompt />
      {palette && (
        <Suspense fallback={null}>
          <CommandPalette />
        </Suspense>
      )}
      <ShortcutHelp opened={help} onClose={() => setHelp(false)} entries={entries} />
    </div>
  );
}

function EnvironmentSwitcher() {
  const { environment, environments, choose } = useEnvironment();
  return (
    <Menu position="bottom-start" width={280}>
      <Menu.Target>
        <UnstyledButton className={classes.environment} aria-label={`Environment: ${environment}`}>
          {environment}
          <IconChevronDown size={14} aria-hidden />
        </UnstyledButton>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Label>Environment</Menu.Label>
        {environments.map((one) => (
          <Menu.Item
            key={one.environment}
            onClick={() => choose(one.environment)}
            aria-current={one.environment === environment}
            leftSection={<IconCheck size={15} opacity={one.environment === environment ? 1 : 0} />}
          >
            <span className={classes.environmentItem}>
              <span
                className={classes.environmentName}
                data-env={environmentTone(one.environment, one.production)}
              >
                {one.environment}
              </span>
              <span className={classes.environmentFacts}>
                {one.watcher.state === 'live' ? (
                  `${one.nodes.ready} of ${one.nodes.total} nodes ready`
                ) : (
                  <StatusPill of="watcher" status={one.watcher.state} word={`watcher ${one.watcher.state}`} />
                )}
              </span>
            </span>
          </Menu.Item>
        ))}
      </Menu.Dropdown>
    </Menu>
  );
}

const LIVE_QUERY = { query: { state: 'live', type: 'planned', limit: 1 } } as const;

/** How many jobs are on their way, everywhere. */
function LiveJobs() {
  const { data } = useEndpoint(listJobs, LIVE_QUERY, { refetchInterval: 5_000 });
  const count = data?.total.count ?? 0;
  const text = count === 0 ? 'No job is running' : `${plural(count, 'job')} running, waiting or stuck`;
  return (
    <Tooltip label={text}>
      <Link
        to="/jobs"
        search={count > 0 ? { state: 'live' } : {}}
        className={classes.counter}
        data-busy={count > 0 || undefined}
        aria-label={`Jobs ${formatCount(count)}: ${text}`}
      >
        <IconLoader2 size={15} className={count > 0 ? classes.turning : undefined} aria-hidden />
        Jobs <b>{formatCount(count)}</b>
      </Link>
    </Tooltip>
  );
}

const WAITING_QUERY = { query: { view: 'waiting_for_me', limit: 1 } } as const;

/** How many requests wait for the person's own decision, everywhere. */
function WaitingApprovals() {
  const { data } = useEndpoint(listApprovals, WAITING_QUERY, { refetchInterval: 5_000 });
  const count = data?.total.count ?? 0;
  const text = count === 0 ? 'No approval waits for you' : `${plural(count, 'approval')} waiting for you`;
  return (
    <Tooltip label={text}>
      <Link
        to="/approvals"
        className={classes.counter}
        data-busy={count > 0 || undefined}
        aria-label={`Approvals ${formatCount(count)}: ${text}`}
      >
        <IconThumbUp size={15} aria-hidden />
        Approvals <b>{formatCount(count)}</b>
      </Link>
    </Tooltip>
  );
}

const SCHEMES: readonly { value: MantineColorScheme; label: string; icon: typeof IconSun }[] = [
  { value: 'light', label: 'Light', icon: IconSun },
  { value: 'dark', label: 'Dark', icon: IconMoon },
  { value: 'auto', label: 'As the system', icon: IconDeviceDesktop },
];

function PersonMenu({ me, onHelp }: { me: Me; onHelp: () => void }) {
  const { colorScheme, setColorScheme } = useMantineColorScheme();
  const initials = initialsOf(me.user.display_name) || initialsOf(me.user.email);
  return (
    <SessionMenu
      items={
        <>
          <Menu.Label>Theme</Menu.Label>
          {SCHEMES.map(({ value, label, icon: SchemeIcon }) => (
            <Menu.Item
              key={value}
              closeMenuOnClick={false}
              aria-current={colorScheme === value}
              leftSection={<SchemeIcon size={15} />}
              rightSection={<IconCheck size={14} opacity={colorScheme === value ? 1 : 0} />}
              onClick={() => setColorScheme(value)}
            >
              {label}
            </Menu.Item>
          ))}
          <Menu.Divider />
          <Menu.Item leftSection={<IconKeyboard size={15} />} onClick={onHelp}>
            Keyboard shortcuts
          </Menu.Item>
        </>
      }
    >
      <UnstyledButton className={classes.person} aria-label={`${initials}, account of ${me.user.email}`}>
        {initials}
      </UnstyledButton>
    </SessionMenu>
  );
}
