/** Pure: the words of mails. Plain text: nothing to load, nothing hidden behind a link. */
import type { UserLink } from '#contract/iam.ts';

interface Occasion {
  display_name: string;
  link: string;
  hours: number;
  public_url: string;
}

const TEXTS: Record<UserLink, { subject: string; why: (occasion: Occasion) => string; otherwise: string }> = {
  invitation: {
    subject: 'Your invitation to Cloudlysis Control',
    why: ({ public_url }) =>
      `you are invited to Cloudlysis Control at ${public_url}. Choose your password here:`,
    otherwise: 'If you expected no invitation, ignore this mail.',
  },
  password_reset: {
    subject: 'Choose a new password for Cloudlysis Control',
    why: ({ public_url }) =>
      `somebody asked for a new password for your account at ${public_url}. Choose it here:`,
    otherwise: 'If it was not you, ignore this mail: your password stays as it is.',
  },
};

export function linkMail(purpose: UserLink, occasion: Occasion): { subject: string; text: string } {
  const { subject, why, otherwise } = TEXTS[purpose];
  const { display_name, link, hours } = occasion;
  const text = [
    `Hello ${display_name},`,
    why(occasion),
    link,
    `The link works once, within ${hours} ${hours === 1 ? 'hour' : 'hours'}.`,
    otherwise,
  ].join('\n\n');
  return { subject, text: `${text}\n` };
}
