import { createTheme, type CSSVariablesResolver, type MantineColorsTuple } from '@mantine/core';

// One accent. Everything else is neutral, and the state colours of styles.css.
const iris: MantineColorsTuple = [
  '#f0f0ff',
  '#e3e4fd',
  '#c9cbf7',
  '#aaadf0',
  '#8a8ce6',
  '#6e6edb',
  '#5b5bd6',
  '#5151cd',
  '#4544b8',
  '#272962',
];
const gray: MantineColorsTuple = [
  '#f7f8fa',
  '#f0f2f5',
  '#e8ebef',
  '#dfe3e8',
  '#cbd1d9',
  '#a8b0bb',
  '#7f8894',
  '#5a6370',
  '#343a44',
  '#15181e',
];
// Of what ends something: white words on it keep a contrast of 4.5 in both themes.
const red: MantineColorsTuple = [
  '#fff5f5',
  '#fdeaea',
  '#fbd0d0',
  '#f5a8a9',
  '#ef8183',
  '#e5484d',
  '#ce2c31',
  '#c22a30',
  '#a61f25',
  '#641723',
];
// Mantine reads 0 as text, 4 as lines, 6 as surfaces of controls and 7 as the page.
const dark: MantineColorsTuple = [
  '#e6e9ed',
  '#b6bdc7',
  '#98a1ad',
  '#79828e',
  '#343a43',
  '#2a2f37',
  '#1b1f24',
  '#101215',
  '#0c0e10',
  '#08090a',
];

export const theme = createTheme({
  primaryColor: 'iris',
  primaryShade: { light: 7, dark: 6 },
  colors: { iris, gray, red, dark },
  white: '#ffffff',
  black: '#15181e',
  fontFamily: "'Inter Variable', system-ui, sans-serif",
  fontFamilyMonospace: "'JetBrains Mono Variable', ui-monospace, monospace",
  fontSizes: { xs: '12px', sm: '13px', md: '14px', lg: '16px', xl: '20px' },
  lineHeights: { xs: '16px', sm: '20px', md: '20px', lg: '24px', xl: '28px' },
  spacing: { xs: '8px', sm: '12px', md: '16px', lg: '20px', xl: '24px' },
  radius: { xs: '3px', sm: '5px', md: '6px', lg: '8px', xl: '12px' },
  defaultRadius: 'md',
  headings: { fontWeight: '600' },
  cursorType: 'pointer',
  respectReducedMotion: true,
  components: {
    Button: { defaultProps: { size: 'sm' } },
    ActionIcon: { defaultProps: { variant: 'subtle', color: 'gray' } },
    Tooltip: {
      defaultProps: {
        openDelay: 250,
        transitionProps: { duration: 80 },
        withArrow: false,
        multiline: true,
        maw: 360,
      },
    },
    Menu: { defaultProps: { shadow: 'md', transitionProps: { duration: 80 }, position: 'bottom-end' } },
    Popover: { defaultProps: { shadow: 'md', transitionProps: { duration: 80 } } },
    Modal: {
      defaultProps: {
        transitionProps: { duration: 120, transition: 'fade-down' },
        overlayProps: { backgroundOpacity: 0.45 },
      },
    },
    Drawer: {
      defaultProps: {
        position: 'right',
        size: 520,
        transitionProps: { duration: 140 },
        overlayProps: { backgroundOpacity: 0.35 },
      },
    },
    TextInput: { defaultProps: { size: 'sm' } },
    Select: {
      defaultProps: { size: 'sm', comboboxProps: { transitionProps: { duration: 80 }, shadow: 'md' } },
    },
    MultiSelect: {
      defaultProps: { size: 'sm', comboboxProps: { transitionProps: { duration: 80 }, shadow: 'md' } },
    },
  },
});

/** Mantine's own variables, pointed at the tokens of styles.css, so that both speak one language. */
export const cssVariablesResolver: CSSVariablesResolver = () => {
  const shared = {
    '--mantine-color-body': 'var(--surface)',
    '--mantine-color-text': 'var(--text)',
    '--mantine-color-dimmed': 'var(--text-muted)',
    '--mantine-color-placeholder': 'var(--text-faint)',
    '--mantine-color-default-border': 'var(--line-strong)',
    '--mantine-color-default': 'var(--surface)',
    '--mantine-color-default-hover': 'var(--surface-hover)',
    '--mantine-color-error': 'var(--failing)',
    '--mantine-color-anchor': 'var(--accent)',
  };
  return { variables: {}, light: shared, dark: shared };
};
