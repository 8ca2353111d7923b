import { crypto } from "../crypto/installed.ts";
import { equalBytes } from "../primitives/index.ts";
import { op } from "../script/index.ts";
import {
  findAndDelete,
  isTaprootSighashType,
  legacySighash,
  segwitV0Sighash,
  sighashDefault,
  sighashSingle,
  taprootSighash,
} from "../sighash/index.ts";
import { ByteWriter } from "../transaction/index.ts";
import { pubkeyEncodingError, signatureEncodingError, verifyEcdsa } from "./ecdsa.ts";
import type { Execution, SpentInput, TapscriptContext } from "./execution.ts";
import type { ScriptError } from "./scriptError.ts";

/** What each signature that is checked takes of the weight that a tapscript's witness pays for (BIP 342). */
const weightPerSignature = 50;

/** Whether a signature holds for a key by the rules of the script's version, or why the script fails at once. */
export function checkSignature(
  execution: Execution,
  signature: Uint8Array,
  pubkey: Uint8Array,
): boolean | ScriptError {
  const { version, flags } = execution;
  if (version.kind === "tapscript") return checkTapscript(execution, version.context, { signature, pubkey });
  const scriptCode = signedScript(execution, [signature]);
  if (typeof scriptCode === "string") return scriptCode;
  const checked = checkEcdsa(execution, scriptCode, { signature, pubkey });
  return checked === false && signature.length > 0 && flags.has("nullfail") ? "sig-nullfail" : checked;
}

/** A signature with its type, and the key that should have made it. */
export interface SignatureAndKey {
  readonly signature: Uint8Array;
  readonly pubkey: Uint8Array;
}

/** The part of the running script that signatures commit to, or why there must be none. */
export function signedScript(
  { version, script, codeStart, flags }: Execution,
  signatures: readonly Uint8Array[],
): Uint8Array | ScriptError {
  let scriptCode = script.subarray(codeStart);
  if (version.kind !== "base") return scriptCode;
  for (const signature of signatures) {
    const without = findAndDelete(scriptCode, dataPush(signature));
    if (flags.has("const-scriptcode") && !equalBytes(without, scriptCode)) return "sig-findanddelete";
    scriptCode = without;
  }
  return scriptCode;
}

/** An ECDSA check of a script before tapscript. */
export function checkEcdsa(
  { version, flags, spent }: Execution,
  scriptCode: Uint8Array,
  { signature, pubkey }: SignatureAndKey,
): boolean | ScriptError {
  const kind = version.kind === "base" ? "base" : "witness-v0";
  const malformed = signatureEncodingError(signature, flags) ?? pubkeyEncodingError(pubkey, flags, kind);
  if (malformed !== undefined) return malformed;
  const type = signature.at(-1);
  if (type === undefined) return false;
  const { transaction, inputIndex, cache } = spent;
  const hash =
    kind === "base"
      ? legacySighash(transaction, inputIndex, { scriptCode, type })
      : segwitV0Sighash(transaction, inputIndex, { scriptCode, type, value: spentValue(spent) }, cache);
  return verifyEcdsa(signature.subarray(0, -1), hash, pubkey);
}

/** Why a Schnorr signature does not hold, by the key path when there is no `script`. */
export function schnorrError(
  spent: SpentInput,
  { signature, pubkey }: SignatureAndKey,
  committed: { readonly annex: Uint8Array | undefined; readonly script?: SignedTapscript },
): ScriptError | undefined {
  if (signature.length !== 64 && signature.length !== 65) return "schnorr-sig-size";
  const type = signature[64] ?? sighashDefault;
  if (signature.length === 65 && type === sighashDefault) return "schnorr-sig-hashtype";
  if (!isTaprootSighashType(type)) return "schnorr-sig-hashtype";
  const { transaction, inputIndex, prevouts, cache } = spent;
  if ((type & 3) === sighashSingle && inputIndex >= transaction.outputs.length) return "schnorr-sig-hashtype";
  const annex = committed.annex === undefined ? {} : { annex: committed.annex };
  const hash = taprootSighash(
    transaction,
    inputIndex,
    { prevouts, type, ...annex, ...committed.script },
    cache,
  );
  return crypto().schnorrVerify(signature.subarray(0, 64), hash, pubkey) ? undefined : "schnorr-sig";
}

interface SignedTapscript {
  readonly leafHash: Uint8Array;
  readonly codeSeparatorPosition: number;
}

/** In this order by consensus: the budget, unknown kinds of keys, and that a signature that fails fails the script. */
function checkTapscript(
  { flags, spent, codeSeparatorPosition }: Execution,
  context: TapscriptContext,
  { signature, pubkey }: SignatureAndKey,
): boolean | ScriptError {
  const signed = signature.length > 0;
  if (signed) {
    context.weightLeft -= weightPerSignature;
    if (context.weightLeft < 0) return "tapscript-validation-weight";
  }
  if (pubkey.length === 0) return "pubkeytype";
  if (pubkey.length !== 32) {
    return flags.has("discourage-upgradable-pubkeytype") ? "discourage-upgradable-pubkeytype" : signed;
  }
  if (!signed) return false;
  const { leafHash, annex } = context;
  const committed = { annex, script: { leafHash, codeSeparatorPosition } };
  return schnorrError(spent, { signature, pubkey }, committed) ?? true;
}

function spentValue({
  prevouts,
  inputIndex,
}: SpentInput): NonNullable<SpentInput["prevouts"][number]>["value"] {
  const prevout = prevouts[inputIndex];
  if (prevout === undefined) throw new RangeError(`no spent output for input ${inputIndex}`);
  return prevout.value;
}

/** How signatures are looked for in old scripts: pushed by their length alone, never by `OP_1` to `OP_16`. */
function dataPush(data: Uint8Array): Uint8Array {
  const writer = new ByteWriter(data.length + 3);
  if (data.length < op.PUSHDATA1) writer.u8(data.length);
  else if (data.length <= 0xff) writer.u8(op.PUSHDATA1).u8(data.length);
  else writer.u8(op.PUSHDATA2).u16(data.length);
  return writer.bytes(data).finish();
}
