import { Reader, Writer } from "../../codec/index.ts";
import type { UnixSeconds } from "../../util/ids.ts";
import { decodeRapidSnapshot } from "./rapidDecode.ts";
import { rapidSnapshotSince } from "./rapidDelta.ts";
import { encodeRapidSnapshot } from "./rapidEncode.ts";
import {
  type KnownChannel,
  type KnownNode,
  type KnownTerms,
  RapidGossipHistory,
  type TermTimes,
  termFields,
} from "./rapidHistory.ts";
import type { RapidChannel } from "./rapidSnapshot.ts";

/*
 * A history as bytes: the snapshot of everything, and the times behind it, four bytes each, in the order of channels
 * and, for nodes, of their ids.
 */

const prefix = [0x46, 0x52, 0x47, 0x48];
const version = 1;
/** What is changed of terms, in the order in which the times stand. */
const timeNames: readonly (keyof TermTimes)[] = ["enabled", ...termFields];

/** A history to be stored, so that it goes on where it stopped. */
export function encodeRapidHistory(history: RapidGossipHistory): Uint8Array {
  const snapshot = encodeRapidSnapshot(rapidSnapshotSince(history, { version: 2, since: 0 as UnixSeconds }));
  const writer = new Writer(snapshot.length + 64 * history.channels.length);
  writer.bytes(Uint8Array.from(prefix)).u8(version).u32(history.completeSince);
  writer.u32(snapshot.length).bytes(snapshot);
  for (const { announcedAt, oneToTwo, twoToOne } of history.channels) {
    writer.u32(announcedAt);
    for (const { changedAt } of [oneToTwo, twoToOne])
      for (const name of timeNames) writer.u32(changedAt[name]);
  }
  for (const { featuresChangedAt, addressesChangedAt } of inOrder([...history.nodes])) {
    writer.u32(featuresChangedAt).u32(addressesChangedAt);
  }
  return writer.finish();
}

/** A history that was stored. Throws `DecodeError`. */
export function decodeRapidHistory(bytes: Uint8Array): RapidGossipHistory {
  const reader = new Reader(bytes);
  for (const byte of prefix) if (reader.u8() !== byte) throw reader.error("not a history");
  const found = reader.u8();
  if (found !== version) throw reader.error(`unknown version ${found}`, "version");
  const completeSince = reader.u32() as UnixSeconds;
  const { chainHash, latestSeen, ...snapshot } = decodeRapidSnapshot(reader.bytes(reader.u32()));
  const time = (): UnixSeconds => reader.u32() as UnixSeconds;
  const termsAt = (index: number, { shortChannelId }: RapidChannel): KnownTerms => {
    const update = snapshot.updates[index];
    const isItsOwn = update?.shortChannelId === shortChannelId && update.isFromNodeOne === (index % 2 === 0);
    if (!isItsOwn || update.kind !== "full") throw reader.error("not the terms of a channel");
    const changedAt = Object.fromEntries(timeNames.map((name) => [name, time()])) as TermTimes;
    return { enabled: update.enabled, terms: update.terms, changedAt };
  };
  const channels = snapshot.channels.map((channel, index): KnownChannel => {
    const announcedAt = time();
    const oneToTwo = termsAt(2 * index, channel);
    return { ...channel, announcedAt, oneToTwo, twoToOne: termsAt(2 * index + 1, channel) };
  });
  const nodes = inOrder(snapshot.nodes).map(({ nodeId, features, addresses }): KnownNode => {
    if (features === undefined || addresses === undefined)
      throw reader.error("a node of which little is said");
    return { nodeId, features, featuresChangedAt: time(), addresses, addressesChangedAt: time() };
  });
  reader.expectEnd();
  return new RapidGossipHistory({ chainHash, completeSince, observedAt: latestSeen, channels, nodes });
}

function inOrder<N extends { readonly nodeId: string }>(nodes: readonly N[]): readonly N[] {
  return nodes.toSorted((a, b) => (a.nodeId < b.nodeId ? -1 : 1));
}
