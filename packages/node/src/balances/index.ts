export { balancesOf, receivableOf } from "./balances.ts";
