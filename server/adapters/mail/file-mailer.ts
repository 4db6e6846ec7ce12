/** Mails as files, where there is no mail server: one .eml each, readable by the user of this process alone. */
import { randomUUID } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { createTransport } from 'nodemailer';
import { MailError, type Mailer } from '#server/iam/mailer.ts';

const FROM = 'Cloudlysis Control <control@localhost>';

export function openFileMailer(folder: string): Mailer {
  const composer = createTransport({ streamTransport: true, buffer: true, newline: 'unix' });
  return {
    delivers: false,
    async send(mail) {
      const { message } = await composer.sendMail({ from: FROM, ...mail });
      const name = `${new Date().toISOString().replaceAll(':', '-')}-${randomUUID().slice(0, 8)}.eml`;
      const file = path.join(folder, name);
      try {
        await mkdir(folder, { recursive: true, mode: 0o700 });
        await writeFile(file, message as Buffer, { mode: 0o600, flag: 'wx' });
        return { file };
      } catch (error) {
        const { code } = error as NodeJS.ErrnoException;
        throw new MailError(`The mail could not be written to ${folder} (${code})`, { cause: error });
      }
    },
  };
}
