/** 1: what was asked for could not be had; 2: it was asked for wrongly. */
type ExitCode = 1 | 2;

/** What keeps the command from its work, and what to do about it, for people. */
export class CommandError extends Error {
  readonly exitCode: ExitCode;
  /** Of the answer, if it was one. */
  readonly status: number | undefined;

  constructor(message: string, exitCode: ExitCode = 1, status?: number) {
    super(message);
    this.exitCode = exitCode;
    this.status = status;
  }
}

export const wrongUsage = (message: string): CommandError => new CommandError(message, 2);
