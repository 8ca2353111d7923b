/** How the process ends, for scripts. `docs/daemon.md` lists them. */
export const exitCodes = {
  /** All is well. */
  ok: 0,
  /** The node refused, or a check failed. */
  failed: 1,
  /** The command line is wrong. */
  usage: 2,
  config: 3,
  seed: 4,
  portInUse: 5,
  secondInstance: 6,
  chainUnavailable: 7,
  chainLogin: 8,
  wrongNetwork: 9,
  chainPruned: 10,
  store: 11,
  notRunning: 12,
  token: 13,
} as const;

/** One of `exitCodes`. */
export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];

/** Ends the process with a message, what to do about it, and an exit code of its own. */
export class CliError extends Error {
  override readonly name: string = "CliError";
  readonly code: string;
  readonly exitCode: ExitCode;
  readonly remedy: string;

  constructor(code: string, exitCode: ExitCode, message: string, remedy: string) {
    super(message);
    this.code = code;
    this.exitCode = exitCode;
    this.remedy = remedy;
  }
}

/** Settings that do not fit. */
export function misfit(message: string, remedy: string): CliError {
  return new CliError("invalid-config", exitCodes.config, message, remedy);
}
