import {
  type ChannelContext,
  type ChannelInput,
  type ChannelState,
  type ChannelStep,
  step,
} from "@fulmen/lightning/channel";
import { fromJournalText, toJournalText } from "./journalText.ts";

/** One line of a journal. */
type Entry =
  | { readonly kind: "start"; readonly state: ChannelState }
  | { readonly kind: "context"; readonly ctx: ChannelContext }
  /** `outcome` is what the step gave, as text: a replay must give the same. */
  | { readonly kind: "input"; readonly input: ChannelInput; readonly outcome: string };

/**
 * All inputs of a channel, in order, with the world as each step saw it: a failing run is a file that replays. The
 * signer's answers are inputs, so that no private key is ever in it. One line of JSON for each entry.
 */
export class InputJournal {
  readonly #lines: string[];
  #ctx: ChannelContext | undefined;

  constructor(start: ChannelState) {
    this.#lines = [toJournalText({ kind: "start", state: start } satisfies Entry)];
  }

  /** Notes a step that was taken. */
  record(ctx: ChannelContext, input: ChannelInput, result: ChannelStep<ChannelState>): void {
    if (ctx !== this.#ctx) {
      this.#lines.push(toJournalText({ kind: "context", ctx } satisfies Entry));
      this.#ctx = ctx;
    }
    this.#lines.push(toJournalText({ kind: "input", input, outcome: toJournalText(result) } satisfies Entry));
  }

  /** The whole journal. */
  text(): string {
    return `${this.#lines.join("\n")}\n`;
  }
}

/** A replay came to another outcome than the run that was written down. */
export class ReplayDivergedError extends Error {
  override readonly name = "ReplayDivergedError";
  /** Counted from 1. */
  readonly line: number;

  constructor(line: number, what: string) {
    super(`line ${line} of the journal: ${what}`);
    this.line = line;
  }
}

/**
 * Takes all steps of a journal again and gives the last state. Throws `ReplayDivergedError` at the first step that does
 * not give what it gave then, and whatever a step throws.
 */
export function replayJournal(text: string): { readonly state: ChannelState; readonly steps: number } {
  let state: ChannelState | undefined;
  let ctx: ChannelContext | undefined;
  let steps = 0;
  for (const [index, line] of text.split("\n").entries()) {
    if (line === "") continue;
    const entry = fromJournalText(line) as Entry;
    switch (entry.kind) {
      case "start":
        state = entry.state;
        break;
      case "context":
        ctx = entry.ctx;
        break;
      case "input": {
        if (state === undefined || ctx === undefined) {
          throw new ReplayDivergedError(index + 1, "an input before the start");
        }
        const result = step(ctx, state, entry.input);
        if (toJournalText(result) !== entry.outcome) {
          throw new ReplayDivergedError(index + 1, `${entry.input.kind} gave something else then`);
        }
        state = result.state;
        steps++;
        break;
      }
    }
  }
  if (state === undefined) throw new ReplayDivergedError(1, "a journal without a start");
  return { state, steps };
}
