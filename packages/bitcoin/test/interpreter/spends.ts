import { crypto } from "@fulmen/bitcoin/crypto";
import type { Sat, Txid } from "@fulmen/bitcoin/primitives";
import {
  encodeTypedSignature,
  hash160,
  op,
  p2pkh,
  p2sh,
  p2tr,
  p2wpkhOf,
  p2wsh,
  script,
} from "@fulmen/bitcoin/script";
import {
  encodeControlBlock,
  legacySighash,
  segwitV0Sighash,
  sighashDefault,
  type TaprootSpend,
  tapLeafHash,
  tapRootOfPath,
  taprootOutputKey,
  taprootSighash,
  tapscriptVersion,
  tapTweakHash,
} from "@fulmen/bitcoin/sighash";
import type { Transaction, TxIn, TxOut } from "@fulmen/bitcoin/transaction";

/** A private key that tests know by its number, 1..255. */
export function keyNumber(n: number): Uint8Array {
  return new Uint8Array(32).fill(n);
}

export function pubkeyOf(key: Uint8Array): Uint8Array {
  return crypto().publicKey(key);
}

export function xOnlyOf(key: Uint8Array): Uint8Array {
  return pubkeyOf(key).subarray(1);
}

/** What an input needs in order to be signed. */
export interface Unsigned {
  readonly tx: Transaction;
  readonly index: number;
  readonly prevouts: readonly TxOut[];
  readonly type: number;
}

/** A way to lock coins together with how to open it. */
export interface Lock {
  readonly script: Uint8Array;
  open(unsigned: Unsigned): Pick<TxIn, "scriptSig" | "witness">;
}

const nothing = new Uint8Array(0);

export function lockP2pkh(key: Uint8Array): Lock {
  const output = p2pkh(hash160(pubkeyOf(key)));
  return {
    script: output,
    open({ tx, index, type }) {
      const signature = sign(key, legacySighash(tx, index, { scriptCode: output, type }), type);
      return { scriptSig: script(signature, pubkeyOf(key)), witness: [] };
    },
  };
}

export function lockP2wpkh(key: Uint8Array): Lock {
  return {
    script: p2wpkhOf(pubkeyOf(key)),
    open(unsigned) {
      const scriptCode = p2pkh(hash160(pubkeyOf(key)));
      return { scriptSig: nothing, witness: [signV0(key, unsigned, scriptCode), pubkeyOf(key)] };
    },
  };
}

/** P2SH around another lock's output. */
export function nested(inner: Lock): Lock {
  return {
    script: p2sh(hash160(inner.script)),
    open(unsigned) {
      return { scriptSig: script(inner.script), witness: inner.open(unsigned).witness };
    },
  };
}

/** A witness script with what goes before it: fixed elements, or signatures by keys. */
export function lockP2wsh(
  witnessScript: Uint8Array,
  elements: readonly (Uint8Array | { readonly signedBy: Uint8Array })[],
): Lock {
  return {
    script: p2wsh(witnessScript),
    open(unsigned) {
      const filled = elements.map((element) =>
        "signedBy" in element ? signV0(element.signedBy, unsigned, witnessScript) : element,
      );
      return { scriptSig: nothing, witness: [...filled, witnessScript] };
    },
  };
}

export function multisig(needed: bigint, keys: readonly Uint8Array[]): Uint8Array {
  return script(needed, ...keys.map(pubkeyOf), BigInt(keys.length), op.CHECKMULTISIG);
}

/** Taproot's key path; the key commits to `root` when there is one. */
export function lockKeyPath(key: Uint8Array, root?: Uint8Array): Lock {
  return {
    script: p2tr(outputKey(xOnlyOf(key), root).point),
    open(unsigned) {
      const even = pubkeyOf(key)[0] === 2 ? key : crypto().scalarNegate(key);
      const tweaked = crypto().scalarAdd(even, tapTweakHash(xOnlyOf(key), root));
      return { scriptSig: nothing, witness: [signTaproot(tweaked, unsigned, {})] };
    },
  };
}

export interface LeafLock {
  readonly leaf: Uint8Array;
  readonly leafVersion?: number;
  /** The hashes beside the leaf on its way to the root. */
  readonly path?: readonly Uint8Array[];
  readonly elements: readonly (Uint8Array | { readonly signedBy: Uint8Array })[];
  readonly annex?: Uint8Array;
  readonly codeSeparatorPosition?: number;
}

/** Taproot's script path under the internal key of `keyNumber(99)`. */
export function lockLeaf(given: LeafLock): Lock {
  const { leaf, leafVersion = tapscriptVersion, path = [], elements } = given;
  const internalKey = xOnlyOf(keyNumber(99));
  const leafHash = tapLeafHash(leaf, leafVersion);
  const root = tapRootOfPath(leafHash, path);
  const { point, parity } = outputKey(internalKey, root);
  const annex = given.annex === undefined ? {} : { annex: given.annex };
  const separator =
    given.codeSeparatorPosition === undefined ? {} : { codeSeparatorPosition: given.codeSeparatorPosition };
  return {
    script: p2tr(point),
    open(unsigned) {
      const filled = elements.map((element) =>
        "signedBy" in element
          ? signTaproot(element.signedBy, unsigned, { leafHash, ...annex, ...separator })
          : element,
      );
      const control = encodeControlBlock({ leafVersion, parity, internalKey, path });
      const last = given.annex === undefined ? [] : [given.annex];
      return { scriptSig: nothing, witness: [...filled, leaf, control, ...last] };
    },
  };
}

/** One transaction that spends an output of each lock, signed. */
export function spendAll(
  locks: readonly Lock[],
  shape: Partial<Pick<Transaction, "version" | "locktime">> & { sequence?: number; type?: number } = {},
): { readonly transaction: Transaction; readonly prevouts: readonly TxOut[] } {
  const { version = 2, locktime = 0, sequence = 0xffff_fffd, type = 1 } = shape;
  const prevouts = locks.map(({ script: output }, i) => ({
    value: BigInt(50_000 + i) as Sat,
    script: output,
  }));
  const tx: Transaction = {
    version,
    locktime,
    inputs: locks.map((_, i) => ({
      outPoint: { txid: "ab".repeat(32) as Txid, index: i },
      scriptSig: nothing,
      sequence,
      witness: [],
    })),
    outputs: locks.map((_, i) => ({
      value: BigInt(40_000 + i) as Sat,
      script: p2wpkhOf(pubkeyOf(keyNumber(7))),
    })),
  };
  const inputs = tx.inputs.map((input, index) => {
    const opened = locks[index]?.open({ tx, index, prevouts, type });
    return { ...input, ...opened };
  });
  return { transaction: { ...tx, inputs }, prevouts };
}

function sign(key: Uint8Array, hash: Uint8Array, sighashType: number): Uint8Array {
  return encodeTypedSignature({ signature: crypto().ecdsaSign(hash, key), sighashType });
}

function signV0(
  key: Uint8Array,
  { tx, index, prevouts, type }: Unsigned,
  scriptCode: Uint8Array,
): Uint8Array {
  const value = prevouts[index]?.value ?? (0n as Sat);
  return sign(key, segwitV0Sighash(tx, index, { scriptCode, value, type }), type);
}

function signTaproot(
  key: Uint8Array,
  { tx, index, prevouts, type }: Unsigned,
  committed: Omit<TaprootSpend, "prevouts" | "type">,
): Uint8Array {
  const hash = taprootSighash(tx, index, { prevouts, type, ...committed });
  const signature = crypto().schnorrSign(hash, key, new Uint8Array(32));
  return type === sighashDefault ? signature : Uint8Array.of(...signature, type);
}

function outputKey(internalKey: Uint8Array, root: Uint8Array | undefined) {
  const key = taprootOutputKey(internalKey, root);
  if (key === undefined) throw new RangeError("internal key is no point");
  return key;
}
