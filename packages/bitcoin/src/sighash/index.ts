export { findAndDelete, type LegacySpend, legacySighash } from "./legacy.ts";
export { type SegwitV0Spend, segwitV0Sighash } from "./segwitV0.ts";
export { SighashCache } from "./sighashCache.ts";
export { taggedHash } from "./taggedHash.ts";
export { type TaprootSpend, taprootSighash } from "./taproot.ts";
export {
  type ControlBlock,
  decodeControlBlock,
  encodeControlBlock,
  type TapLeaf,
  type TapLeafPath,
  type TaprootOutputKey,
  type TapTree,
  tapBranchHash,
  tapLeafHash,
  tapLeafPaths,
  tapRootOfPath,
  taprootOutputKey,
  tapscriptVersion,
  tapTreeRoot,
  tapTweakHash,
} from "./taprootOutput.ts";
export {
  isTaprootSighashType,
  sighashAll,
  sighashAnyoneCanPay,
  sighashDefault,
  sighashNone,
  sighashSingle,
} from "./types.ts";
