export { type SignedNetwork, signedNetwork } from "./signedNetwork.ts";
