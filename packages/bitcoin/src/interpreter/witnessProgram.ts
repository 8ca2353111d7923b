import { crypto } from "../crypto/installed.ts";
import { equalBytes } from "../primitives/index.ts";
import { p2pkh, readOp, type WitnessProgram } from "../script/index.ts";
import {
  decodeControlBlock,
  tapLeafHash,
  tapRootOfPath,
  taprootOutputKey,
  tapscriptVersion,
} from "../sighash/index.ts";
import { witnessSize } from "../transaction/index.ts";
import { isTrue } from "./element.ts";
import { evaluate, type Surroundings } from "./evaluate.ts";
import type { SpentInput } from "./execution.ts";
import type { ScriptFlags } from "./flags.ts";
import { maxElementSize, maxStackSize } from "./limits.ts";
import type { ScriptError } from "./scriptError.ts";
import { schnorrError } from "./signatureCheck.ts";

/** What a witness is checked in. */
export interface WitnessSpend {
  readonly spent: SpentInput;
  readonly flags: ScriptFlags;
  readonly witness: readonly Uint8Array[];
  /** Whether the program stands in a P2SH redeem script: version 1 has no meaning there. */
  readonly inP2sh: boolean;
}

/** Why `witness` does not open a witness program (BIP 141, BIP 341); unknown programs open to anything. */
export function witnessProgramError(program: WitnessProgram, spend: WitnessSpend): ScriptError | undefined {
  const { version, program: bytes } = program;
  if (version === 0) return versionZeroError(bytes, spend);
  if (version === 1 && bytes.length === 32 && !spend.inP2sh) return taprootError(bytes, spend);
  // Pay-to-anchor: anyone may spend it.
  const anchor = version === 1 && bytes.length === 2 && bytes[0] === 0x4e && bytes[1] === 0x73;
  if (anchor && !spend.inP2sh) return undefined;
  return spend.flags.has("discourage-upgradable-witness-program")
    ? "discourage-upgradable-witness-program"
    : undefined;
}

function versionZeroError(program: Uint8Array, spend: WitnessSpend): ScriptError | undefined {
  const { witness } = spend;
  if (program.length === 20) {
    if (witness.length !== 2) return "witness-program-mismatch";
    return scriptError(p2pkh(program), witness, { ...spend, version: { kind: "witness-v0" } });
  }
  if (program.length !== 32) return "witness-program-wrong-length";
  const script = witness.at(-1);
  if (script === undefined) return "witness-program-witness-empty";
  if (!equalBytes(crypto().sha256(script), program)) return "witness-program-mismatch";
  return scriptError(script, witness.slice(0, -1), { ...spend, version: { kind: "witness-v0" } });
}

const annexTag = 0x50;

function taprootError(outputKey: Uint8Array, spend: WitnessSpend): ScriptError | undefined {
  const { witness, spent, flags } = spend;
  if (!flags.has("taproot")) return undefined;
  const last = witness.at(-1);
  if (last === undefined) return "witness-program-witness-empty";
  const annex = witness.length >= 2 && last[0] === annexTag ? last : undefined;
  const stack = annex === undefined ? [...witness] : witness.slice(0, -1);
  const control = stack.pop();
  const script = stack.pop();
  if (control === undefined) return "witness-program-witness-empty";
  if (script === undefined) {
    return schnorrError(spent, { signature: control, pubkey: outputKey }, { annex });
  }
  const leaf = committedLeaf(control, script, outputKey);
  if (typeof leaf === "string") return leaf;
  if (leaf.version !== tapscriptVersion) {
    return flags.has("discourage-upgradable-taproot-version")
      ? "discourage-upgradable-taproot-version"
      : undefined;
  }
  // BIP 342, "Resource limits": the whole witness pays, annex included, plus one free signature.
  const context = { leafHash: leaf.hash, annex, weightLeft: witnessSize(witness) + 50 };
  return tapscriptError(script, stack, { spent, flags, version: { kind: "tapscript", context } });
}

/** The leaf that a control block shows to be a part of the output key (BIP 341, "Script validation rules"). */
function committedLeaf(
  control: Uint8Array,
  script: Uint8Array,
  outputKey: Uint8Array,
): { readonly hash: Uint8Array; readonly version: number } | ScriptError {
  if (control.length < 33 || control.length > 33 + 32 * 128 || (control.length - 33) % 32 !== 0) {
    return "taproot-wrong-control-size";
  }
  const { leafVersion, parity, internalKey, path } = decodeControlBlock(control);
  const hash = tapLeafHash(script, leafVersion);
  const key = taprootOutputKey(internalKey, tapRootOfPath(hash, path));
  if (key === undefined || key.parity !== parity || !equalBytes(key.point, outputKey)) {
    return "witness-program-mismatch";
  }
  return { hash, version: leafVersion };
}

/** An `OP_SUCCESSx` anywhere, even behind what would fail, makes a tapscript succeed (BIP 342). */
function tapscriptError(
  script: Uint8Array,
  stack: readonly Uint8Array[],
  surroundings: Surroundings,
): ScriptError | undefined {
  for (let offset = 0; offset < script.length; ) {
    const range = readOp(script, offset);
    if (range === undefined) return "bad-opcode";
    if (isSuccess(range.opcode)) {
      return surroundings.flags.has("discourage-op-success") ? "discourage-op-success" : undefined;
    }
    offset = range.end;
  }
  if (stack.length > maxStackSize) return "stack-size";
  return scriptError(script, stack, surroundings);
}

/** Runs a script of a witness, which must leave exactly one element, and that one true. */
function scriptError(
  script: Uint8Array,
  witness: readonly Uint8Array[],
  { spent, flags, version }: Surroundings,
): ScriptError | undefined {
  const stack = [...witness];
  if (stack.some(({ length }) => length > maxElementSize)) return "push-size";
  const error = evaluate(script, stack, { spent, flags, version });
  if (error !== undefined) return error;
  const [only] = stack;
  if (only === undefined || stack.length !== 1) return "cleanstack";
  return isTrue(only) ? undefined : "eval-false";
}

/** The ranges of BIP 342: what was reserved, disabled or unknown before. */
function isSuccess(opcode: number): boolean {
  return (
    opcode === 80 ||
    opcode === 98 ||
    (opcode >= 126 && opcode <= 129) ||
    (opcode >= 131 && opcode <= 134) ||
    (opcode >= 137 && opcode <= 138) ||
    (opcode >= 141 && opcode <= 142) ||
    (opcode >= 149 && opcode <= 153) ||
    (opcode >= 187 && opcode <= 254)
  );
}
