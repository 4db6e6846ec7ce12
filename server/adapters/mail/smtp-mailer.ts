/** Mails by SMTP. */
import { createTransport } from 'nodemailer';
import { MailError, type Mailer } from '#server/iam/mailer.ts';

export interface SmtpOptions {
  from: string;
  host: string;
  port: number;
  /** `starttls` refuses a server that offers none. */
  security: 'starttls' | 'tls' | 'none';
  credentials: { user: string; password: string } | null;
}

const TIMEOUT_MS = 10_000;

export function openSmtpMailer({ from, host, port, security, credentials }: SmtpOptions): Mailer {
  const transport = createTransport({
    host,
    port,
    secure: security === 'tls',
    requireTLS: security === 'starttls',
    ignoreTLS: security === 'none',
    ...(credentials && { auth: { user: credentials.user, pass: credentials.password } }),
    connectionTimeout: TIMEOUT_MS,
    greetingTimeout: TIMEOUT_MS,
    socketTimeout: TIMEOUT_MS,
    disableFileAccess: true,
    disableUrlAccess: true,
  });
  return {
    delivers: true,
    async send(mail) {
      try {
        await transport.sendMail({ from, ...mail });
        return { file: null };
      } catch (error) {
        // What the server said may repeat the mail; its code does not.
        const { code, responseCode } = error as { code?: string; responseCode?: number };
        const why = [code, responseCode].filter((part) => part !== undefined).join(' ');
        throw new MailError(`${host}:${port} did not take the mail (${why || 'no reason given'})`, {
          cause: error,
        });
      }
    },
  };
}
