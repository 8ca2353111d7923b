import type { KvEntry, KvWrite } from "../../chain/kvStore.ts";
import { decode, encode } from "../../codec/codec.ts";
import type { ChannelMonitorUpdate } from "../../onchain/channelMonitorUpdate.ts";
import type { MonitorSetup } from "../../onchain/watch.ts";
import { err, type Result } from "../../util/result.ts";
import { corruptRecord, reading, type StorageError } from "../storageError.ts";
import { outboxKey, parseOutboxKey } from "./keys.ts";
import { needed, record, union } from "./layouts.ts";
import { monitorSetupLayout, monitorUpdateLayout } from "./monitor.ts";

/** What a `Watch` in another place was not yet known to have when the row was written: given again on start. */
export type OutboxRow =
  | { readonly kind: "watch-channel"; readonly setup: MonitorSetup }
  | { readonly kind: "update-channel"; readonly update: ChannelMonitorUpdate };

const outboxRow = record(
  union<OutboxRow>("outbox_row", {
    "watch-channel": [0, { setup: needed(0, monitorSetupLayout) }],
    "update-channel": [1, { update: needed(0, monitorUpdateLayout) }],
  }),
);

/** Stores the row `outbox/<sequence>`. */
export function outboxWrite(sequence: number, row: OutboxRow): KvWrite {
  return { key: outboxKey(sequence), value: encode(outboxRow, row) };
}

/** A row and its place in the order. */
export function readOutboxRow({
  key,
  value,
}: KvEntry): Result<{ readonly sequence: number; readonly row: OutboxRow }, StorageError> {
  const sequence = parseOutboxKey(key);
  if (sequence === undefined) return err(corruptRecord(key, "its name is unknown"));
  return reading(key, () => ({ sequence, row: decode(outboxRow, value) }));
}
