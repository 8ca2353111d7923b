export { Faucet, FaucetEmptyError, type FundOptions, inputOf, type SpentInput } from "./faucet.ts";
export { createFundedChain, type FundedChainOptions } from "./fundedChain.ts";
