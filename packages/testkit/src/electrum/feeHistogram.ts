import { vsize } from "@fulmen/bitcoin/transaction";
import { present } from "@fulmen/lightning/util";
import type { TestChain } from "../chain/index.ts";

/** Virtual bytes of the first step; each further step is a tenth larger. */
const firstStep = 100_000;

/**
 * Steps of a waiting block, dearest first: the lowest feerate of a step in satoshis per virtual byte (rounded down to
 * a tenth), and how many virtual bytes are in it. What does not fill a step at the cheap end is left out, as ElectrumX
 * does.
 */
export function feeHistogram(chain: TestChain): readonly (readonly [number, number])[] {
  const sizes = new Map<number, number>();
  for (const txid of chain.mempool) {
    const { transaction } = present(chain.transaction(txid), "a transaction of the mempool");
    const fee = present(chain.feeOf(txid), "the fee of a transaction of the mempool");
    const size = vsize(transaction);
    const tenths = Number((fee * 10n) / BigInt(size));
    sizes.set(tenths, (sizes.get(tenths) ?? 0) + size);
  }
  const steps: [number, number][] = [];
  let step = firstStep;
  let sum = 0;
  let above: number | undefined;
  const finish = (tenths: number): void => {
    steps.push([tenths / 10, sum]);
    sum = 0;
    step *= 1.1;
  };
  for (const [tenths, size] of [...sizes].sort(([a], [b]) => b - a)) {
    // A lump gets a step of its own.
    if (size > 2 * step && above !== undefined && sum > 0) finish(above);
    sum += size;
    if (sum > step) finish(tenths);
    above = tenths;
  }
  return steps;
}
