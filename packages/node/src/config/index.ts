export { checkOptions, networkOf, refuseOnMainnet, userConfig } from "./checkedOptions.ts";
