export { type HistoryItem, type ScriptHash, scriptHashOf, statusOf } from "../lookup/index.ts";
export { ElectrumServer } from "./electrumServer.ts";
export type { ElectrumConnection, ElectrumSession } from "./electrumSession.ts";
export type { ElectrumLimits, ElectrumServerOptions } from "./method.ts";
