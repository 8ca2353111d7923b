export { systemEntropy } from "./entropy.ts";
export { installNodeCrypto, nodeProvider } from "./provider.ts";
