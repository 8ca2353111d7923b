import { SimulatedChain, type SimulatedChainOptions, type TestChain } from "../chain/index.ts";
import { Faucet } from "./faucet.ts";

export interface FundedChainOptions extends Omit<SimulatedChainOptions, "payTo"> {
  /** Coins of up to 50 bitcoins that the faucet can spend at once; 10 when not given. */
  readonly coins?: number;
}

/** A chain whose blocks all pay to a faucet, with some of its coins already mature: where most tests begin. */
export interface FundedChain<C extends TestChain = TestChain> {
  readonly chain: C;
  readonly faucet: Faucet;
}

/** Such a chain in memory. */
export function createFundedChain(options: FundedChainOptions = {}): FundedChain<SimulatedChain> {
  const { coins = 10, ...others } = options;
  const faucet = new Faucet(options.seed);
  const chain = new SimulatedChain({ ...others, payTo: faucet.script });
  // A coinbase of height h may be spent from height h + 100 on.
  chain.mine(coins + 99);
  return { chain, faucet };
}
