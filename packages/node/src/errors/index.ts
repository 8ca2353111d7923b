export { translated, translating, walletError } from "./translate.ts";
