import { stripVTControlCharacters } from "node:util";
import { renderUnicodeCompact } from "uqr";

/** Writes a line to the standard output. */
export function say(line = ""): void {
  process.stdout.write(`${line}\n`);
}

/** Rows under their headings, numbers to the right. */
export function table(headings: readonly string[], rows: readonly (readonly string[])[]): string {
  const all = [headings, ...rows];
  const widths = headings.map((_, column) => Math.max(...all.map((row) => row[column]?.length ?? 0)));
  const isNumber = headings.map(
    (_, column) => rows.length > 0 && rows.every((row) => /^[-+]?[\d,.]*( sat| %)?$/.test(row[column] ?? "")),
  );
  return all
    .map((row) =>
      row
        .map((cell, column) =>
          isNumber[column] ? cell.padStart(widths[column] ?? 0) : cell.padEnd(widths[column] ?? 0),
        )
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}

/** A text as a QR code. Upper case makes it smaller, where case does not matter. */
export function qrCode(text: string): string {
  return renderUnicodeCompact(text, { border: 2 });
}

/** A text that others had a part in, in one line without control characters. */
export function oneLine(text: string, most = 80): string {
  const clean = stripVTControlCharacters(text).replace(/[\p{C}\s]+/gu, " ");
  return clean.length <= most ? clean : `${clean.slice(0, most - 1)}…`;
}

/** A bar that is drawn again in one line of a terminal; elsewhere, a line now and then. */
export class ProgressBar {
  readonly #label: string;
  #drawn = false;
  #last = -1;

  constructor(label: string) {
    this.#label = label;
  }

  show(have: number, all: number): void {
    const percent = all <= 0 ? 0 : Math.floor((Math.min(have, all) / all) * 100);
    if (percent === this.#last) return;
    if (process.stderr.isTTY) {
      const full = Math.floor(percent / 4);
      process.stderr.write(
        `\r${this.#label} [${"#".repeat(full)}${".".repeat(25 - full)}] ${have} of ${all}`,
      );
      this.#drawn = true;
    } else if (percent % 10 === 0) process.stderr.write(`${this.#label} ${have} of ${all}\n`);
    this.#last = percent;
  }

  /** How many there are, where nobody knows of how many. */
  count(stage: string, have: number): void {
    if (!process.stderr.isTTY) return;
    process.stderr.write(`\r${this.#label}: ${stage} ${have}`.padEnd(40));
    this.#drawn = true;
  }

  end(): void {
    if (this.#drawn) process.stderr.write("\n");
    this.#drawn = false;
  }
}
