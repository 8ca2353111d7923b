export { closeSteps } from "./closeSteps.ts";
export { closingBalances } from "./closingBalances.ts";
