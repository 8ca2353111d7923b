export type { SelectableCoin } from "./candidate.ts";
export { Dice } from "./dice.ts";
export {
  feeWithParent,
  type Outbid,
  outbiddingFee,
  type Selection,
  type SelectionProblem,
  type SelectionRefusal,
  selectCoins,
} from "./selectCoins.ts";
export { feeAtLeast, inputWeight, outputWeight, satisfactionWeight, transactionWeight } from "./weights.ts";
