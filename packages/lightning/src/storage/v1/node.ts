import type { Network } from "@fulmen/bitcoin/network";
import type { BlockLocator } from "../../chain/chainInterface.ts";
import type { KvEntry, KvWrite } from "../../chain/kvStore.ts";
import { array16 } from "../../codec/array.ts";
import { decode, encode } from "../../codec/codec.ts";
import { chainHash, nodeId, u16 } from "../../codec/primitives.ts";
import type { BlockHash, NodeId } from "../../util/ids.ts";
import { err, ok, type Result } from "../../util/result.ts";
import { missingRecord, reading, type StorageError } from "../storageError.ts";
import { nodeKey } from "./keys.ts";
import { layout, needed, possible, record } from "./layouts.ts";
import { blockHeight, count, text } from "./values.ts";

/** The format of this folder. */
const storageFormat = 1;

/** The record `node`: whose store it is. */
export interface NodeRecord {
  readonly nodeId: NodeId;
  /** The genesis hash of the chain. */
  readonly chain: BlockHash;
  /** Of all other records. */
  readonly format: number;
  /** Where everything here was copied to: the node lives there and must not be started from this store again. */
  readonly movedTo?: string;
}

const nodeRecord = record(
  layout<NodeRecord>("node", {
    nodeId: needed(0, nodeId),
    chain: needed(2, chainHash),
    format: needed(4, u16),
    movedTo: possible(6, text),
  }),
);

/** Reads the record `node`. */
export function readNodeRecord(stored: Uint8Array): Result<NodeRecord, StorageError> {
  return reading(nodeKey, () => decode(nodeRecord, stored));
}

/** The record `node` of a store whose node was moved to `place`, as people know it; as it was before, without one. */
export function movedNodeRecord({ movedTo: _, ...node }: NodeRecord, place: string | undefined): Uint8Array {
  return encode(nodeRecord, place === undefined ? node : { ...node, movedTo: place });
}

/** What is in the store, and who wants to open it. */
export interface NodeRecordCheck {
  /** The record `node`, if there is one. */
  readonly stored: Uint8Array | undefined;
  /** Whether the store has no entry at all. */
  readonly storeIsEmpty: boolean;
  readonly nodeId: NodeId;
  readonly network: Network;
}

/**
 * Whether a store belongs to this node, before anything else of it is read. Gives what must be written before anything
 * else: the record, on the first start.
 */
export function openNodeRecord(check: NodeRecordCheck): Result<readonly KvWrite[], StorageError> {
  const { stored, storeIsEmpty, nodeId: ours, network } = check;
  const own: NodeRecord = { nodeId: ours, chain: network.genesisHash, format: storageFormat };
  if (stored === undefined) {
    if (!storeIsEmpty) return err(missingRecord(nodeKey, "the record of whose store this is"));
    return ok([{ key: nodeKey, value: encode(nodeRecord, own) }]);
  }
  const found = readNodeRecord(stored);
  if (!found.ok) return found;
  const { nodeId: owner, chain, format, movedTo } = found.value;
  const refuse = (kind: StorageError["kind"], text: string) => err({ kind, key: nodeKey, text });
  if (format > storageFormat) {
    const text = `the store has format ${format}, this program knows formats up to ${storageFormat}: start the newer program again`;
    return refuse("from-the-future", text);
  }
  if (chain !== own.chain) {
    const text = `the store belongs to a node of the chain ${chain}, not of ${network.name}: give the node the network that it was made for, or another store`;
    return refuse("wrong-network", text);
  }
  if (owner !== ours) {
    const text = `the store belongs to node ${owner}, this is node ${ours}: give the node its own seed, or another store`;
    return refuse("wrong-node", text);
  }
  if (movedTo !== undefined) {
    const text = `the node was moved to ${movedTo}: start it from there, and if the move was interrupted, move it there once more. What is here is old; a node that is started from it would broadcast what is revoked by now, and lose the channels' money`;
    return refuse("moved", text);
  }
  return ok([]);
}

const chainPosition = record(
  layout<BlockLocator>("chain_position", {
    hash: needed(0, chainHash),
    height: needed(2, blockHeight),
    ancestors: needed(4, array16(chainHash)),
  }),
);

/** The record `chain-position`. */
export function encodeChainPosition(tip: BlockLocator): Uint8Array {
  return encode(chainPosition, tip);
}

export function readChainPosition({ key, value }: KvEntry): Result<BlockLocator, StorageError> {
  return reading(key, () => decode(chainPosition, value));
}

interface BatchSequence {
  readonly sequence: number;
}

const batchSequence = record(layout<BatchSequence>("batch_sequence", { sequence: needed(0, count) }));

/** The record `batch-sequence`. */
export function encodeBatchSequence(sequence: number): Uint8Array {
  return encode(batchSequence, { sequence });
}

export function readBatchSequence({ key, value }: KvEntry): Result<number, StorageError> {
  return reading(key, () => decode(batchSequence, value).sequence);
}
