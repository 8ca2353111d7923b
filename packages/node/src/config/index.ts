export { checkOptions, networkOf, userConfig } from "./checkedOptions.ts";
