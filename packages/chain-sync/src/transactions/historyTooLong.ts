import { ChainSourceError } from "../chainSourceError.ts";
import type { HistoryItem } from "./transactionClient.ts";

const remedy = "use a server that serves longer histories, best one's own, or Bitcoin Core";

/** A script has more transactions than a server tells of, or than are read. Who asked for more than that goes on. */
export class HistoryTooLong extends ChainSourceError {
  override readonly name = "HistoryTooLong";
  /** Those that are known. */
  readonly known: readonly HistoryItem[];

  constructor(message: string, known: readonly HistoryItem[]) {
    super("unsupported", message, remedy);
    this.known = known;
  }
}

/** The error for a source that does not tell of all that happens to channels' outputs, where another one may. */
export function hidesOutputs(name: string): ChainSourceError {
  return new ChainSourceError("unsupported", `${name} does not give a channel's whole history`, remedy);
}
