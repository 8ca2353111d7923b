export { ElectrumListener } from "./electrumListener.ts";
export { ElectrumPeer, type ElectrumPolicy, outPointOf } from "./electrumPeer.ts";
