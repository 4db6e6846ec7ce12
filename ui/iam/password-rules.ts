/** New passwords, after ASVS 5.0 6.2: length counts, composition does not. The server also refuses common ones. */
export const NEW_PASSWORD_MIN = 12;

/** Letters and digits that nobody confuses when reading one out: no 0 O, 1 l I. */
const ALPHABET = 'ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz23456789';
const GROUPS = 5;
const GROUP_LENGTH = 5;

/** A random password of five groups of five characters (about 146 bits), as easy to type as it is hard to guess. */
export function generatePassword(
  random: (bytes: Uint8Array<ArrayBuffer>) => Uint8Array = (bytes) => crypto.getRandomValues(bytes),
): string {
  const characters: string[] = [];
  // Bytes beyond the last whole multiple are thrown away, so that every character is equally likely.
  const usable = 256 - (256 % ALPHABET.length);
  while (characters.length < GROUPS * GROUP_LENGTH)
    for (const byte of random(new Uint8Array(64)))
      if (byte < usable && characters.length < GROUPS * GROUP_LENGTH)
        characters.push(ALPHABET.charAt(byte % ALPHABET.length));
  return Array.from({ length: GROUPS }, (_, group) =>
    characters.slice(group * GROUP_LENGTH, (group + 1) * GROUP_LENGTH).join(''),
  ).join('-');
}

/** What is wrong with a new password, as far as the browser can tell; null = nothing. */
export function newPasswordFault(password: string): string | null {
  if (password === '') return 'Give a password';
  const missing = NEW_PASSWORD_MIN - password.length;
  if (missing > 0)
    return `${missing} more ${missing === 1 ? 'character' : 'characters'}: ${NEW_PASSWORD_MIN} at least`;
  if (new Set(password).size < 4) return 'This repeats too few characters';
  return null;
}
