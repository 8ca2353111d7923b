import { crypto } from "@fulmen/bitcoin/crypto";
import type { BlockLocator } from "../../chain/chainInterface.ts";
import type { KvEntry } from "../../chain/kvStore.ts";
import { many } from "../../codec/array.ts";
import { decode, encode } from "../../codec/codec.ts";
import { DecodeError } from "../../codec/decodeError.ts";
import { channelId, rest } from "../../codec/primitives.ts";
import { struct } from "../../codec/struct.ts";
import { concatBytes, equalBytes } from "../../util/bytes.ts";
import type { ChannelId } from "../../util/ids.ts";
import { invariant } from "../../util/invariant.ts";
import { err, ok, type Result } from "../../util/result.ts";
import { corruptRecord, reading, type StorageError } from "../storageError.ts";
import { chainPositionKey, monitorPrefix } from "./keys.ts";
import { layout, needed, record, sized } from "./layouts.ts";
import { encodeChainPosition, readChainPosition } from "./node.ts";
import { type RestoredMonitor, restoreMonitors } from "./readMonitors.ts";
import { text } from "./values.ts";

/** One monitor as its store has it. */
export interface MonitorRecords {
  readonly channelId: ChannelId;
  /** Up to which block it has seen the chain: the store's `chain-position`. */
  readonly position: BlockLocator;
  /** Everything below its `monitorPrefix` in the order of the keys, all as one moment had it. */
  readonly entries: readonly KvEntry[];
}

/** What an exported monitor gives: its rows, to be stored anew, and the monitor that they make. */
export interface ImportedMonitor extends MonitorRecords {
  readonly restored: RestoredMonitor;
}

interface Exported {
  readonly channelId: ChannelId;
  readonly position: Uint8Array;
  /** Names of rows without the prefix. */
  readonly rows: readonly { readonly name: string; readonly value: Uint8Array }[];
}

const exported = record(
  layout<Exported>("exported_monitor", {
    channelId: needed(0, channelId),
    position: needed(2, rest),
    rows: needed(4, many(struct("exported_row", { name: sized(text), value: sized(rest) }))),
  }),
);

/** How errors name what is no record of a store. */
const name = "exported-monitor";
const checksumLength = 32;

/**
 * One monitor as bytes, for another process that defends the channel: it needs no more than these, the channel's keys
 * and the blocks after `position`. The monitor's own records, and a SHA-256 of it all at the end, since what was
 * damaged on its way must not pass for a monitor. They hold no private key, but the channel's whole history.
 *
 * A copy knows nothing that came after it: export again after each update, and let whoever has a copy never publish a
 * commitment of ours from it, which may have been revoked since.
 *
 * Throws `InvariantError` on entries that are not the monitor's.
 */
export function exportMonitor({ channelId: id, position, entries }: MonitorRecords): Uint8Array {
  const prefix = monitorPrefix(id);
  const rows = entries.map(({ key, value }) => {
    invariant(key.startsWith(prefix), `${key} is no row of the monitor of channel ${id}`);
    return { name: key.slice(prefix.length), value };
  });
  const body = encode(exported, { channelId: id, position: encodeChainPosition(position), rows });
  return concatBytes(body, crypto().sha256(body));
}

/** Reads what `exportMonitor` has made, of this version or one before; whatever is amiss is named. */
export function importMonitor(bytes: Uint8Array): Result<ImportedMonitor, StorageError> {
  const body = bytes.subarray(0, -checksumLength);
  if (!equalBytes(crypto().sha256(body), bytes.subarray(-checksumLength))) {
    return err(corruptRecord(name, "its checksum is wrong"));
  }
  const read = reading(name, () => {
    const found = decode(exported, body);
    const names = found.rows.map((row) => row.name);
    if (names.some((one, i) => one <= (names[i - 1] ?? ""))) {
      throw new DecodeError("rows that are not in the order of their names");
    }
    return found;
  });
  if (!read.ok) return read;
  const { channelId: id, rows } = read.value;
  const position = readChainPosition({ key: chainPositionKey, value: read.value.position });
  if (!position.ok) return position;
  const entries = rows.map((row) => ({ key: monitorPrefix(id) + row.name, value: row.value }));
  const monitors = restoreMonitors(entries);
  if (!monitors.ok) return monitors;
  const [restored] = monitors.value;
  if (restored === undefined) return err(corruptRecord(name, "it has no rows"));
  return ok({ channelId: id, position: position.value, entries, restored });
}
