import type { KVStore, KvEntry } from "@fulmen/lightning/chain";
import type { ManagerRecords } from "@fulmen/lightning/manager";
import {
  batchSequenceKey,
  chainPositionKey,
  channelsPrefix,
  eventAckKey,
  eventPrefix,
  monitorsPrefix,
  nodeKey,
  outboxPrefix,
  paymentPrefix,
  sweeperPrefix,
} from "@fulmen/lightning/storage";
import { pagesBelow } from "./pagesBelow.ts";

/** What a node reads of its store when it starts. */
export interface StoredRecords {
  /** The record `node`, for `openNodeRecord`. */
  readonly node: Uint8Array | undefined;
  readonly storeIsEmpty: boolean;
  /** For `restoreManager`. */
  readonly manager: ManagerRecords;
  /** For the monitors, which come first. */
  readonly monitors: readonly KvEntry[];
  /** For `readSweeper`. */
  readonly sweeper: readonly KvEntry[];
}

/** Reads all that a start needs; rejects with the store's errors. */
export async function readStoredRecords(store: KVStore): Promise<StoredRecords> {
  const one = async (key: string): Promise<KvEntry | undefined> => {
    const value = await store.read(key);
    return value && { key, value };
  };
  const first = await store.scan("", undefined, 1);
  return {
    node: await store.read(nodeKey),
    storeIsEmpty: first.length === 0,
    manager: {
      channels: await readAll(store, channelsPrefix),
      payments: await readAll(store, paymentPrefix),
      events: await readAll(store, eventPrefix),
      eventAck: await one(eventAckKey),
      chainPosition: await one(chainPositionKey),
      batchSequence: await one(batchSequenceKey),
      outbox: await readAll(store, outboxPrefix),
    },
    monitors: await readAll(store, monitorsPrefix),
    sweeper: await readAll(store, sweeperPrefix),
  };
}

async function readAll(store: KVStore, prefix: string): Promise<readonly KvEntry[]> {
  const entries: KvEntry[] = [];
  for await (const page of pagesBelow(store, prefix)) entries.push(...page);
  return entries;
}
