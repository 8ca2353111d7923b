export {
  Faucet,
  FaucetEmptyError,
  type FundOptions,
  inputOf,
  type SpendOptions,
  type SpentInput,
} from "./faucet.ts";
export { createFundedChain, type FundedChain, type FundedChainOptions } from "./fundedChain.ts";
export { payForCommitment } from "./payForCommitment.ts";
export { TestWallet } from "./testWallet.ts";
