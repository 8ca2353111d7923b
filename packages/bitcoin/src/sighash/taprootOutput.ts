import { crypto } from "../crypto/installed.ts";
import { compareBytes, concatBytes } from "../primitives/index.ts";
import { BitcoinDecodeError, ByteWriter } from "../transaction/index.ts";
import { taggedHash } from "./taggedHash.ts";

/** The leaf version of BIP 342's tapscript. */
export const tapscriptVersion = 0xc0;

/** An x-only output key with the parity of its y, which control blocks carry. */
export interface TaprootOutputKey {
  readonly point: Uint8Array;
  readonly parity: 0 | 1;
}

/** A script in a taproot tree. */
export interface TapLeaf {
  readonly script: Uint8Array;
  /** Even, 0xc0 when not given. */
  readonly version?: number;
}

/** A script, or two trees side by side; the order of the two is of no account. */
export type TapTree = TapLeaf | readonly [TapTree, TapTree];

/** A leaf with the hashes that lead from it to the root, the nearest first. */
export interface TapLeafPath {
  readonly leaf: TapLeaf;
  readonly path: readonly Uint8Array[];
}

/** What a spend by script shows after the script (BIP 341, "Script validation rules"). */
export interface ControlBlock {
  readonly leafVersion: number;
  readonly parity: 0 | 1;
  readonly internalKey: Uint8Array;
  readonly path: readonly Uint8Array[];
}

/** Hash of a leaf of the tree. */
export function tapLeafHash(script: Uint8Array, version = tapscriptVersion): Uint8Array {
  const writer = new ByteWriter(script.length + 10).u8(version).varBytes(script);
  return taggedHash("TapLeaf", writer.finish());
}

/** Hash of two nodes, the smaller first. */
export function tapBranchHash(a: Uint8Array, b: Uint8Array): Uint8Array {
  return compareBytes(a, b) < 0 ? taggedHash("TapBranch", a, b) : taggedHash("TapBranch", b, a);
}

/** Root of a tree. */
export function tapTreeRoot(tree: TapTree): Uint8Array {
  if (isLeaf(tree)) return tapLeafHash(tree.script, tree.version);
  return tapBranchHash(tapTreeRoot(tree[0]), tapTreeRoot(tree[1]));
}

/** All leaves of a tree from left to right, each with its path to the root. */
export function tapLeafPaths(tree: TapTree): readonly TapLeafPath[] {
  if (isLeaf(tree)) return [{ leaf: tree, path: [] }];
  const [left, right] = tree;
  return [
    ...beside(tapLeafPaths(left), tapTreeRoot(right)),
    ...beside(tapLeafPaths(right), tapTreeRoot(left)),
  ];
}

/** The root that a leaf's hash and its path give. */
export function tapRootOfPath(leafHash: Uint8Array, path: readonly Uint8Array[]): Uint8Array {
  return path.reduce(tapBranchHash, leafHash);
}

/** The scalar by which an internal key is tweaked; without a root, as a key that has no scripts. */
export function tapTweakHash(internalKey: Uint8Array, merkleRoot?: Uint8Array): Uint8Array {
  return merkleRoot === undefined
    ? taggedHash("TapTweak", internalKey)
    : taggedHash("TapTweak", internalKey, merkleRoot);
}

/** The key of a taproot output (BIP 341), or `undefined` when the internal key is no x coordinate of a point. */
export function taprootOutputKey(
  internalKey: Uint8Array,
  merkleRoot?: Uint8Array,
): TaprootOutputKey | undefined {
  return crypto().xOnlyTweakAdd(internalKey, tapTweakHash(internalKey, merkleRoot));
}

/** The last item of a witness that spends by script (before an annex). */
export function encodeControlBlock({ leafVersion, parity, internalKey, path }: ControlBlock): Uint8Array {
  return concatBytes(Uint8Array.of(leafVersion | parity), internalKey, ...path);
}

/** Throws `BitcoinDecodeError` unless the length is 33 + 32 * m with m up to 128. */
export function decodeControlBlock(bytes: Uint8Array): ControlBlock {
  const [first = 0] = bytes;
  if (bytes.length < 33 || bytes.length > 33 + 32 * 128 || (bytes.length - 33) % 32 !== 0) {
    throw new BitcoinDecodeError(`control block of ${bytes.length} bytes`);
  }
  const path: Uint8Array[] = [];
  for (let at = 33; at < bytes.length; at += 32) path.push(bytes.slice(at, at + 32));
  return { leafVersion: first & 0xfe, parity: (first & 1) as 0 | 1, internalKey: bytes.slice(1, 33), path };
}

function isLeaf(tree: TapTree): tree is TapLeaf {
  return "script" in tree;
}

function beside(paths: readonly TapLeafPath[], sibling: Uint8Array): readonly TapLeafPath[] {
  return paths.map(({ leaf, path }) => ({ leaf, path: [...path, sibling] }));
}
