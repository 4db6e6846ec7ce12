/**
 * Pure: whether a new password is good enough (ASVS 5.0 6.2): length counts, composition does not, common ones and those made of what
 * everybody knows about the account are refused. The length is the contract's; this judges the rest.
 */

const PRODUCT_WORDS = ['cloudlysis', 'control'];
/** Shorter ones are in every other password by chance. */
const MIN_WORD_LENGTH = 4;
const MIN_DISTINCT = 4;
/** How many characters must be left when a word that an attacker tries first is taken out: "Cloudlysis2026!" leaves five. */
const MIN_REMAINDER = 6;

const LOOKALIKES: Record<string, string> = {
  '@': 'a',
  '4': 'a',
  '3': 'e',
  '1': 'i',
  '!': 'i',
  '0': 'o',
  $: 's',
  '5': 's',
  '7': 't',
};
const withoutLookalikes = (text: string) =>
  text.replace(/[@431!0$57]/g, (character) => LOOKALIKES[character] ?? character);

/** What a person's account is known by; their password must not be made of it. */
export interface PasswordOwner {
  email: string;
  display_name: string;
}

/** One sentence that says what is wrong with a new password, or null. `common` are lower-case words and passwords. */
export function passwordFault(
  password: string,
  owner: PasswordOwner,
  common: ReadonlySet<string>,
): string | null {
  const plain = password.toLowerCase();
  if (new Set(plain).size < MIN_DISTINCT) return 'This repeats too few characters; use more different ones.';
  const variants = [plain, withoutLookalikes(plain)];
  if (variants.some((variant) => contextWords(owner).some((word) => isMadeOf(variant, word)))) {
    return 'This is made of your name, your email or the name of this product; use something that others cannot guess.';
  }
  if (variants.some((variant) => common.has(variant) || isMadeOfAny(variant, common))) {
    return 'This is one of the passwords that attackers try first; use one that is not on their lists.';
  }
  return null;
}

const isMadeOf = (password: string, word: string) =>
  password.includes(word) && password.replaceAll(word, '').length < MIN_REMAINDER;

function isMadeOfAny(password: string, words: ReadonlySet<string>): boolean {
  for (const word of words) if (word.length >= MIN_WORD_LENGTH && isMadeOf(password, word)) return true;
  return false;
}

function contextWords({ email, display_name }: PasswordOwner): string[] {
  const [localPart = '', domain = ''] = email.toLowerCase().split('@');
  const parts = [
    email.toLowerCase(),
    localPart,
    ...localPart.split(/[^\p{L}\p{N}]+/u),
    domain.split('.')[0] ?? '',
  ];
  const names = display_name.toLowerCase();
  const words = [...parts, ...names.split(/\s+/), names.replace(/\s+/g, ''), ...PRODUCT_WORDS];
  return words.filter((word) => word.length >= MIN_WORD_LENGTH);
}
