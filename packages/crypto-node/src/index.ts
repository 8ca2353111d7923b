export { installNodeCrypto, nodeProvider } from "./provider.ts";
