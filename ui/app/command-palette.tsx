export const openPalette = (): void => {};
export function CommandPalette() {
  return null;
}
