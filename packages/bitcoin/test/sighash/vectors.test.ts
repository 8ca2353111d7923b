import assert from "node:assert/strict";
import { test } from "node:test";
import { crypto } from "@fulmen/bitcoin/crypto";
import { fromHex, type Sat, toHex } from "@fulmen/bitcoin/primitives";
import { p2tr } from "@fulmen/bitcoin/script";
import {
  decodeControlBlock,
  encodeControlBlock,
  legacySighash,
  SighashCache,
  segwitV0Sighash,
  type TapTree,
  tapLeafHash,
  tapLeafPaths,
  tapRootOfPath,
  taprootOutputKey,
  taprootSighash,
  tapTreeRoot,
  tapTweakHash,
} from "@fulmen/bitcoin/sighash";
import { BitcoinDecodeError, decodeTransaction } from "@fulmen/bitcoin/transaction";
import { fixture } from "../fixture.ts";

interface Bip143Case {
  readonly tx: string;
  readonly index: number;
  readonly scriptCode: string;
  readonly value: number;
  readonly type: number;
  readonly sighash: string;
}

test("BIP 143: the examples, with and without a shared cache", () => {
  const { cases } = fixture<{ cases: readonly Bip143Case[] }>("bip143.json");
  assert.equal(cases.length, 14);
  let cache: SighashCache | undefined;
  let cachedFor = "";
  for (const { tx: hex, index, scriptCode, value, type, sighash } of cases) {
    if (cache === undefined || hex !== cachedFor) cache = new SighashCache(decodeTransaction(fromHex(hex)));
    cachedFor = hex;
    const spend = { scriptCode: fromHex(scriptCode), value: BigInt(value) as Sat, type };
    assert.equal(toHex(segwitV0Sighash(cache.tx, index, spend)), sighash);
    assert.equal(toHex(segwitV0Sighash(cache.tx, index, spend, cache)), sighash);
  }
});

interface LegacyCase {
  readonly tx: string;
  readonly script: string;
  readonly index: number;
  readonly type: number;
  readonly sighash: string;
}

test("legacy: Core's random cases", () => {
  const { cases } = fixture<{ cases: readonly LegacyCase[] }>("sighash-legacy.json");
  assert.ok(cases.length > 100);
  for (const { tx, script, index, type, sighash } of cases) {
    const hash = legacySighash(decodeTransaction(fromHex(tx)), index, { scriptCode: fromHex(script), type });
    assert.equal(toHex(hash.reverse()), sighash);
  }
});

type VectorTree = { readonly script: string; readonly leafVersion: number } | readonly VectorTree[] | null;

interface Bip341 {
  readonly scriptPubKey: readonly {
    readonly given: { readonly internalPubkey: string; readonly scriptTree: VectorTree };
    readonly intermediary: {
      readonly leafHashes?: readonly string[];
      readonly merkleRoot: string | null;
      readonly tweak: string;
      readonly tweakedPubkey: string;
    };
    readonly expected: {
      readonly scriptPubKey: string;
      readonly scriptPathControlBlocks?: readonly string[];
    };
  }[];
  readonly keyPathSpending: readonly {
    readonly given: {
      readonly rawUnsignedTx: string;
      readonly utxosSpent: readonly { readonly scriptPubKey: string; readonly amountSats: number }[];
    };
    readonly intermediary: {
      readonly hashPrevouts: string;
      readonly hashSequences: string;
      readonly hashOutputs: string;
      readonly hashAmounts: string;
      readonly hashScriptPubkeys: string;
    };
    readonly inputSpending: readonly {
      readonly given: { readonly txinIndex: number; readonly hashType: number };
      readonly intermediary: { readonly sigHash: string; readonly internalPubkey: string };
      readonly expected: { readonly witness: readonly string[] };
    }[];
  }[];
}

const bip341 = fixture<Bip341>("bip341.json");

function treeOf(tree: VectorTree): TapTree | undefined {
  if (tree === null) return undefined;
  if ("script" in tree) return { script: fromHex(tree.script), version: tree.leafVersion };
  const [left, right] = tree.map(treeOf);
  assert.ok(left !== undefined && right !== undefined);
  return [left, right];
}

test("BIP 341: output keys, leaf hashes and control blocks", () => {
  assert.equal(bip341.scriptPubKey.length, 7);
  for (const { given, intermediary, expected } of bip341.scriptPubKey) {
    const internalKey = fromHex(given.internalPubkey);
    const tree = treeOf(given.scriptTree);
    const root = tree && tapTreeRoot(tree);
    assert.equal(root === undefined ? null : toHex(root), intermediary.merkleRoot);
    assert.equal(toHex(tapTweakHash(internalKey, root)), intermediary.tweak);
    const key = taprootOutputKey(internalKey, root);
    assert.ok(key);
    assert.equal(toHex(key.point), intermediary.tweakedPubkey);
    assert.equal(toHex(p2tr(key.point)), expected.scriptPubKey);
    for (const [i, { leaf, path }] of (tree ? tapLeafPaths(tree) : []).entries()) {
      const leafHash = tapLeafHash(leaf.script, leaf.version);
      assert.equal(toHex(leafHash), intermediary.leafHashes?.[i]);
      assert.deepEqual(tapRootOfPath(leafHash, path), root);
      const block = encodeControlBlock({
        leafVersion: leaf.version ?? 0xc0,
        parity: key.parity,
        internalKey,
        path,
      });
      assert.equal(toHex(block), expected.scriptPathControlBlocks?.[i]);
      assert.deepEqual(encodeControlBlock(decodeControlBlock(block)), block);
      assert.throws(() => decodeControlBlock(block.subarray(1)), BitcoinDecodeError);
    }
  }
});

test("BIP 341: key path sighashes and their signatures", () => {
  for (const { given, intermediary, inputSpending } of bip341.keyPathSpending) {
    const tx = decodeTransaction(fromHex(given.rawUnsignedTx));
    const prevouts = given.utxosSpent.map(({ scriptPubKey, amountSats }) => ({
      value: BigInt(amountSats) as Sat,
      script: fromHex(scriptPubKey),
    }));
    const cache = new SighashCache(tx);
    assert.equal(toHex(cache.prevouts()), intermediary.hashPrevouts);
    assert.equal(toHex(cache.sequences()), intermediary.hashSequences);
    assert.equal(toHex(cache.outputs()), intermediary.hashOutputs);
    assert.equal(toHex(cache.spent(prevouts).amounts), intermediary.hashAmounts);
    assert.equal(toHex(cache.spent(prevouts).scripts), intermediary.hashScriptPubkeys);
    assert.equal(inputSpending.length, 7);
    for (const { given: input, intermediary: between, expected } of inputSpending) {
      const spend = { prevouts, type: input.hashType };
      const hash = taprootSighash(tx, input.txinIndex, spend, cache);
      assert.equal(toHex(hash), between.sigHash);
      assert.deepEqual(taprootSighash(tx, input.txinIndex, spend), hash);
      const outputKey = prevouts[input.txinIndex]?.script.subarray(2) ?? new Uint8Array(0);
      const signature = fromHex(expected.witness[0] ?? "").subarray(0, 64);
      assert.equal(crypto().schnorrVerify(signature, hash, outputKey), true);
    }
  }
});
