export { ElectrumListener } from "./electrumListener.ts";
export { ElectrumPeer, outPointOf } from "./electrumPeer.ts";
