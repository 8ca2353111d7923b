import { ChainSourceError } from "../chainSourceError.ts";

/** Transactions that a server may tell of at once: nothing of them has been proven when they are counted. */
export const maxItems = 100_000;

/** The error for a server that tells of more. */
export function tooManyItems(): ChainSourceError {
  return new ChainSourceError(
    "unsupported",
    `the server tells of more than ${maxItems} transactions at once`,
    "use another server if that cannot be; a wallet as large as that needs a node of its own",
  );
}
