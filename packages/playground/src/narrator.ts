import { styleText } from "node:util";

/** Where the text goes; colours appear only on a terminal. */
export interface Output {
  readonly isTTY?: boolean;
  write(text: string): unknown;
}

type Style = "bold" | "dim" | "green" | "yellow" | "red" | "cyan";

/** Tells the story on a terminal or into a file: what happens, and when. */
export class Narrator {
  readonly #output: Output;
  readonly #started: number;
  readonly #now: () => number;

  /** `now` in milliseconds, of a clock that never goes back. */
  constructor(output: Output, now: () => number = () => performance.now()) {
    this.#output = output;
    this.#now = now;
    this.#started = now();
  }

  /** Seconds since the beginning. */
  get elapsed(): number {
    return (this.#now() - this.#started) / 1000;
  }

  title(text: string, subtitle: string): void {
    this.line(`${this.style("bold", text)}\n${this.style("dim", subtitle)}`);
  }

  chapter(text: string): void {
    this.line("");
    this.line(`${this.#time()}  ${this.style("bold", text)}`);
  }

  /** Something has happened. */
  tell(text: string): void {
    for (const [index, line] of text.split("\n").entries()) {
      this.line(`${index === 0 ? this.#time() : " ".repeat(8)}    ${line}`);
    }
  }

  /** Does something, then says what came of it and how long it took. */
  async act<T>(action: () => Promise<T>, outcome: (value: T) => string): Promise<T> {
    const began = this.#now();
    const value = await action();
    const took = Math.round(this.#now() - began);
    this.tell(`${outcome(value)} ${this.style("dim", `(${took} ms)`)}`);
    return value;
  }

  line(text: string): void {
    this.#output.write(`${text}\n`);
  }

  style(style: Style, text: string): string {
    // Whether it is a terminal is known here; what else `styleText` looks at is the process's own output.
    return this.#output.isTTY === true && process.env["NO_COLOR"] === undefined
      ? styleText(style, text, { validateStream: false })
      : text;
  }

  #time(): string {
    return this.style("dim", `${this.elapsed.toFixed(2).padStart(6)} s`);
  }
}
