export { balancesOf, receivableOf, sidesOf } from "./balances.ts";
