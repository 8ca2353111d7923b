import { stripVTControlCharacters } from "node:util";
import { renderUnicodeCompact } from "uqr";

/** Writes lines to the standard output, as they may be `shown`. */
export function say(lines = ""): void {
  process.stdout.write(`${shown(lines)}\n`);
}

/**
 * Lines that others had a part in: what would move the cursor, turn the direction of text or not be seen is shown by its
 * number, which JSON reads back.
 */
export function shown(lines: string): string {
  const numberOf = (unit: string): string => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`;
  return lines.replace(/(?![\n\t])[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu, (character) =>
    character.split("").map(numberOf).join(""),
  );
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

/** A text with a capital and a full stop; names of settings, fields and files stay as they are written. */
export function sentence(text: string): string {
  const isWord = /^[a-z]+(?=[ ,;]|$)/.test(text);
  return `${isWord ? text.charAt(0).toUpperCase() + text.slice(1) : text}${/[.!?]$/.test(text) ? "" : "."}`;
}

interface ProgressOutput {
  readonly isTTY?: boolean;
  write(text: string): unknown;
}

/** A bar that is drawn again in one line of a terminal; elsewhere, a line now and then. */
export class ProgressBar {
  readonly #label: string;
  readonly #output: ProgressOutput;
  #drawn = false;
  #last = -1;

  constructor(label: string, output: ProgressOutput = process.stderr) {
    this.#label = label;
    this.#output = output;
  }

  show(have: number, all: number): void {
    const percent = all <= 0 ? 0 : Math.floor((Math.min(have, all) / all) * 100);
    if (percent === this.#last) return;
    if (this.#output.isTTY) {
      const full = Math.floor(percent / 4);
      this.#draw(`[${"#".repeat(full)}${".".repeat(25 - full)}] ${have} of ${all}`);
    } else if (Math.floor(percent / 10) !== Math.floor(this.#last / 10))
      this.#output.write(`${this.#label} ${have} of ${all}\n`);
    this.#last = percent;
  }

  /** How many there are, where nobody knows of how many. */
  count(stage: string, have: number): void {
    if (this.#output.isTTY) this.#draw(`${stage} ${have}`);
  }

  end(): void {
    if (this.#drawn) this.#output.write("\n");
    this.#drawn = false;
  }

  #draw(text: string): void {
    this.#output.write(`\r${this.#label} ${text}`.padEnd(50));
    this.#drawn = true;
  }
}
