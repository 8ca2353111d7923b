import { closeSync, fstatSync, openSync, renameSync, writeSync } from "node:fs";

/** A file begins anew beyond this size; the one before is kept as `.1`. */
const maxLogBytes = 20_000_000;

/** Where lines go: into a file that does not grow without a limit. A full disk loses lines, never the node. */
export class LogFile {
  readonly #path: string;
  readonly #alsoTo: ((line: string) => void) | undefined;
  #file: number | undefined;
  #size = 0;

  /** `alsoTo` hears of each line, too. */
  constructor(path: string, alsoTo?: (line: string) => void) {
    this.#path = path;
    this.#alsoTo = alsoTo;
  }

  write(line: string): void {
    this.#alsoTo?.(line);
    try {
      if (this.#file === undefined) {
        this.#file = openSync(this.#path, "a", 0o600);
        this.#size = fstatSync(this.#file).size;
      }
      this.#size += writeSync(this.#file, line);
      if (this.#size > maxLogBytes) {
        this.close();
        renameSync(this.#path, `${this.#path}.1`);
      }
    } catch {
      // There is nobody to tell: the next line tries anew.
      this.close();
    }
  }

  close(): void {
    if (this.#file === undefined) return;
    try {
      closeSync(this.#file);
    } catch {
      // It is closed all the same.
    }
    this.#file = undefined;
  }
}
