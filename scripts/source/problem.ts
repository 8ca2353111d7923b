/** Something a check objects to. */
export interface Problem {
  /** Relative to the root of the workspace. */
  readonly file: string;
  readonly line?: number;
  readonly message: string;
}

/** Prints the problems, one a line, and sets the exit code: what a program under `scripts/checks/` ends with. */
export function report(problems: readonly Problem[]): void {
  for (const { file, line, message } of problems) {
    console.log(line === undefined ? `${file}: ${message}` : `${file}:${line}: ${message}`);
  }
  if (problems.length > 0) process.exitCode = 1;
}
