import { ChainSourceError } from "../chainSourceError.ts";

/**
 * What a server said does not fit together: a block came or went between two answers, or two servers answer in turn.
 * The round starts anew; what goes on like that is an error.
 */
export class ChainMoved extends Error {
  override readonly name = "ChainMoved";
  /** What it is when it goes on. */
  readonly asError: ChainSourceError;

  constructor(code: "not-synced" | "invalid-chain" | "invalid-answer", message: string) {
    super(message);
    this.asError = new ChainSourceError(code, message, remedies[code]);
  }
}

const remedies = {
  "not-synced": "wait until the server has caught up with the chain, or use another one",
  "invalid-chain": "use another server: this one tells of a chain that cannot be",
  "invalid-answer": "use another server if it does not go away: this one contradicts itself",
} as const;
