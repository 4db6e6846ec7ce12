/** LIKE patterns of what a person typed: its wildcards are taken as they stand. */
const literal = (text: string) => text.replace(/[\\%_]/g, '\\$&');

export const containing = (text: string): string => `%${literal(text)}%`;
export const startingWith = (text: string): string => `${literal(text)}%`;
