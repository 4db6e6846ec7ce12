/** What a command ends with. 2 is also what a shell's own tools answer when they were called wrongly. */
export const EXIT = {
  done: 0,
  refused: 1,
  usage: 2,
  signedOut: 3,
  unreachable: 4,
  jobNotDone: 5,
  jobStuck: 6,
} as const;

/** One sentence for the terminal, and the exit code. */
export class CommandError extends Error {
  readonly exit: number;
  constructor(message: string, exit: number) {
    super(message);
    this.exit = exit;
  }
}
