import { Faucet, type FundedChain } from "@fulmen/testkit";
import { BitcoindChain, type BitcoindChainOptions } from "./bitcoindChain.ts";
import { BlockingBitcoind } from "./blockingBitcoind.ts";

interface FundedBitcoindChainOptions extends Omit<BitcoindChainOptions, "payTo"> {
  /** Coins of up to 50 bitcoins that the faucet can spend at once; 10 when not given. */
  readonly coins?: number;
}

/** What `createFundedChain` gives, on a new Bitcoin Core; `stop` the chain at the end. */
export async function createFundedBitcoindChain(
  options: FundedBitcoindChainOptions = {},
): Promise<FundedChain<BitcoindChain>> {
  const { coins = 10, ...others } = options;
  const faucet = new Faucet(options.seed);
  const chain = new BitcoindChain(await BlockingBitcoind.start(), { ...others, payTo: faucet.script });
  // A coinbase of height h may be spent from height h + 100 on.
  chain.mine(coins + 99);
  return { chain, faucet };
}
