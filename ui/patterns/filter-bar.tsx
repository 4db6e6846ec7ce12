/** Search box and filters of a list; `/` goes to the search box. */
import { Button, Checkbox, Combobox, TextInput, Tooltip, UnstyledButton, useCombobox } from '@mantine/core';
import { IconCheck, IconChevronDown, IconSearch, IconX } from '@tabler/icons-react';
import { useEffect, useRef, useState } from 'react';
import classes from './filter-bar.module.css';
import type { ListFilter, ListSearch } from './list-search.ts';

const DEBOUNCE_MS = 250;

/** A text that reaches the URL when the person pauses; a change from elsewhere (back, clear) comes in. */
function useDebouncedText(
  value: string,
  onChange: (value: string) => void,
): [string, (text: string) => void] {
  const [text, setText] = useState(value);
  const sent = useRef(value);
  useEffect(() => {
    if (value === sent.current) return;
    sent.current = value;
    setText(value);
  }, [value]);
  useEffect(() => {
    if (text === sent.current) return undefined;
    const timer = setTimeout(() => {
      sent.current = text;
      onChange(text);
    }, DEBOUNCE_MS);
    return () => clearTimeout(timer);
  }, [text, onChange]);
  return [text, setText];
}

export function SearchBox({
  value,
  onChange,
  placeholder,
}: {
  value: string;
  onChange: (value: string) => void;
  placeholder: string;
}) {
  const [text, setText] = useDebouncedText(value, onChange);
  return (
    <TextInput
      className={classes.search}
      type="search"
      placeholder={placeholder}
      aria-label={placeholder}
      aria-keyshortcuts="/"
      data-page-search
      leftSection={<IconSearch size={15} />}
      value={text}
      onChange={(event) => setText(event.currentTarget.value)}
      onKeyDown={(event) => {
        if (event.key !== 'Escape') return;
        if (text === '') event.currentTarget.blur();
        else setText('');
      }}
      rightSection={
        text !== '' && (
          <UnstyledButton className={classes.reset} aria-label="Clear the search" onClick={() => setText('')}>
            <IconX size={14} />
          </UnstyledButton>
        )
      }
    />
  );
}

export function FilterBar({
  filters,
  search,
  searchPlaceholder,
  children,
}: {
  filters: readonly ListFilter[];
  search: ListSearch;
  /** The list takes `q` when there is one. */
  searchPlaceholder?: string | undefined;
  /** Stands at the right end: total and age. */
  children?: React.ReactNode;
}) {
  return (
    <div className={classes.bar} role="search">
      {searchPlaceholder !== undefined && (
        <SearchBox
          value={search.q}
          onChange={(text) => search.setText('q', text)}
          placeholder={searchPlaceholder}
        />
      )}
      {filters.map((filter) =>
        filter.type === 'one' || filter.type === 'many' ? (
          <ChoiceFilter
            key={filter.name}
            filter={filter}
            chosen={search.values[filter.name] ?? []}
            onChange={(values) => search.setFilter(filter.name, values)}
          />
        ) : filter.type === 'text' ? (
          <TextFilter
            key={filter.name}
            label={filter.label}
            placeholder={filter.placeholder}
            value={search.values[filter.name]?.[0] ?? ''}
            onChange={(value) => search.setText(filter.name, value)}
          />
        ) : (
          <TimeFilter
            key={filter.name}
            label={filter.label}
            value={search.values[filter.name]?.[0]}
            onChange={(value) => search.setFilter(filter.name, value === undefined ? [] : [value])}
          />
        ),
      )}
      {search.filtered && (
        <Button variant="subtle" color="gray" size="compact-sm" onClick={search.clear}>
          Clear
        </Button>
      )}
      <div className={classes.end}>{children}</div>
    </div>
  );
}

type Choice = Extract<ListFilter, { type: 'one' | 'many' }>;

/** "status ▾ draining, degraded ×" */
function ChoiceFilter({
  filter: { label, options, type, loading = false },
  chosen,
  onChange,
}: {
  filter: Choice;
  chosen: readonly string[];
  onChange: (values: string[]) => void;
}) {
  const [text, setText] = useState('');
  const combobox = useCombobox({
    onDropdownClose: () => {
      setText('');
      combobox.resetSelectedOption();
    },
    onDropdownOpen: () => combobox.updateSelectedOptionIndex('active'),
  });
  const searchable = options.length > 8;
  const shown = options.filter((option) => option.label.toLowerCase().includes(text.trim().toLowerCase()));
  const chosenLabels = chosen.map(
    (value) => options.find((option) => option.value === value)?.label ?? value,
  );
  const summary =
    chosenLabels.length > 2 ? `${chosenLabels[0]} +${chosenLabels.length - 1}` : chosenLabels.join(', ');
  const submit = (value: string) => {
    if (type === 'one') {
      onChange(chosen[0] === value ? [] : [value]);
      combobox.closeDropdown();
      combobox.focusTarget();
    } else {
      onChange(chosen.includes(value) ? chosen.filter((one) => one !== value) : [...chosen, value]);
    }
  };
  return (
    <Combobox store={combobox} onOptionSubmit={submit} width={220} position="bottom-start" shadow="md">
      <div className={classes.filter} data-active={chosen.length > 0 || undefined}>
        <Combobox.Target targetType="button" withExpandedAttribute>
          <UnstyledButton
            className={classes.choose}
            aria-label={summary === '' ? label : `${label} ${summary}`}
            onClick={() => combobox.toggleDropdown()}
          >
            <span className={classes.label}>{label}</span>
            {chosen.length > 0 && <span className={classes.chosen}>{summary}</span>}
            {chosen.length === 0 && <IconChevronDown size={14} aria-hidden />}
          </UnstyledButton>
        </Combobox.Target>
        {chosen.length > 0 && (
          <UnstyledButton
            className={classes.reset}
            aria-label={`Clear ${label}`}
            onClick={() => onChange([])}
          >
            <IconX size={13} />
          </UnstyledButton>
        )}
      </div>
      <Combobox.Dropdown>
        {searchable && (
          <Combobox.Search
            value={text}
            onChange={(event) => setText(event.currentTarget.value)}
            placeholder={`Find ${label.toLowerCase()}`}
            aria-label={`Find ${label.toLowerCase()}`}
          />
        )}
        <Combobox.Options mah={280} className={classes.options} aria-label={label}>
          {shown.map((option) => {
            const active = chosen.includes(option.value);
            return (
              <Combobox.Option
                value={option.value}
                key={option.value}
                active={active}
                className={classes.option}
              >
                {type === 'many' ? (
                  <Checkbox.Indicator size="xs" checked={active} />
                ) : (
                  <IconCheck size={14} opacity={active ? 1 : 0} aria-hidden />
                )}
                {option.render ?? option.label}
              </Combobox.Option>
            );
          })}
          {shown.length === 0 && <Combobox.Empty>{loading ? 'Loading…' : 'None'}</Combobox.Empty>}
        </Combobox.Options>
      </Combobox.Dropdown>
    </Combobox>
  );
}

function TextFilter({
  label,
  placeholder,
  value,
  onChange,
}: {
  label: string;
  placeholder: string | undefined;
  value: string;
  onChange: (value: string) => void;
}) {
  const [text, setText] = useDebouncedText(value, onChange);
  return (
    <label className={classes.filter} data-active={text !== '' || undefined}>
      <span className={classes.label}>{label}</span>
      <input
        className={classes.text}
        value={text}
        placeholder={placeholder}
        spellCheck={false}
        onChange={(event) => setText(event.currentTarget.value.trim())}
      />
      {text !== '' && (
        <UnstyledButton className={classes.reset} aria-label={`Clear ${label}`} onClick={() => setText('')}>
          <IconX size={13} />
        </UnstyledButton>
      )}
    </label>
  );
}

/** A moment in local time; the URL holds it in UTC. */
function TimeFilter({
  label,
  value,
  onChange,
}: {
  label: string;
  value: string | undefined;
  onChange: (value: string | undefined) => void;
}) {
  const at = value === undefined ? undefined : new Date(value);
  const local =
    at === undefined || Number.isNaN(at.getTime())
      ? ''
      : new Date(at.getTime() - at.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
  return (
    <Tooltip label="In your local time">
      <label className={classes.filter} data-active={local !== '' || undefined}>
        <span className={classes.label}>{label}</span>
        <input
          className={classes.time}
          type="datetime-local"
          value={local}
          onChange={(event) => {
            const text = event.currentTarget.value;
            onChange(text === '' ? undefined : new Date(text).toISOString());
          }}
        />
      </label>
    </Tooltip>
  );
}
