/** What is asked for goes to the standard output, what is said about it to the standard error. */

export const say = (text: string): void => void process.stdout.write(`${text}\n`);
export const sayJson = (value: unknown): void => say(JSON.stringify(value, null, 2));
export const complain = (text: string): void => void process.stderr.write(`${text}\n`);
