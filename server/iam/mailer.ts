/** Port: sends mails to people. */
export interface Mail {
  to: string;
  subject: string;
  /** Plain text. */
  text: string;
}

export interface Mailer {
  /** Whether mails reach people: otherwise their links are shown to who asked for them. */
  readonly delivers: boolean;
  /** Resolves when the server has taken the mail, or with the file it was written to. Throws MailError when it could not. */
  send(mail: Mail): Promise<{ file: string | null }>;
}

/** A mail was not taken; the message says why, without any part of the mail. */
export class MailError extends Error {
  override readonly name = 'MailError';
}
