import { equalBytes } from "@fulmen/bitcoin/primitives";
import { p2a } from "@fulmen/bitcoin/script";
import { type Transaction, txid, weight } from "@fulmen/bitcoin/transaction";
import { type FeeratePerKw, present, times } from "@fulmen/lightning/util";
import type { TestChain } from "../chain/index.ts";
import { type Faucet, inputOf } from "./faucet.ts";

/** No child of this file is lighter. */
const leastChildWeight = 600;

/**
 * A child of version 3 that spends the pay-to-anchor output of `commitment`, which pays nothing itself, and the
 * faucet's coins. Both together pay at least `feerate`. Submit them as a package.
 */
export function payForCommitment(
  chain: TestChain,
  faucet: Faucet,
  commitment: Transaction,
  feerate: FeeratePerKw,
): Transaction {
  const index = commitment.outputs.findIndex(({ script }) => equalBytes(script, p2a()));
  const output = present(commitment.outputs[index], "a pay-to-anchor output");
  const inputs = [{ input: inputOf({ txid: txid(commitment), index }), output }];
  const multiple = 1 + Math.ceil(weight(commitment) / leastChildWeight);
  return faucet.fund(chain, [], times(feerate, multiple), { version: 3, inputs });
}
