export {
  classifyScript,
  isPayToAnchor,
  type ScriptType,
  type WitnessProgram,
  witnessProgram,
} from "./classify.ts";
export { dustLimit } from "./dust.ts";
export {
  compactFromDer,
  decodeTypedSignature,
  derFromCompact,
  encodeTypedSignature,
  isLowS,
  isStrictDer,
  type TypedSignature,
} from "./ecdsaSignature.ts";
export { op, opcodeName } from "./opcodes.ts";
export { hash160, p2a, p2pkh, p2sh, p2tr, p2wpkh, p2wpkhOf, p2wsh } from "./outputs.ts";
export {
  isMinimalPush,
  isUnspendable,
  type OpRange,
  parseScript,
  readOp,
  type ScriptOp,
  script,
} from "./script.ts";
export { decodeScriptNumber, encodeScriptNumber, type ScriptNumberRules } from "./scriptNumber.ts";
