export { rejectReason } from "./rejectReason.ts";
export { type HistoryItem, type ScriptHash, scriptHashOf, statusOf } from "./scriptHash.ts";
export { type IndexChange, type MempoolItem, ScriptIndex } from "./scriptIndex.ts";
