import { noBytes, type Signature } from "../../util/bytes.ts";
import type { NodeId, ShortChannelId, UnixSeconds } from "../../util/ids.ts";
import { err, ok, type Result } from "../../util/result.ts";
import { type Sat, satToMsat } from "../../util/units.ts";
import { encodeAddresses, type Features, type SocketAddress } from "../../wire/index.ts";
import type { GossipRefusal } from "../gossipRefusal.ts";
import {
  channelName,
  maxAhead,
  maxMessageLength,
  maxMoney,
  refusalOfAge,
  refusalOfTerms,
  refusalOfTime,
  refuse,
} from "./acceptance.ts";
import type { EdgeTerms } from "./edgeColumns.ts";
import type { GraphTables } from "./graphTables.ts";
import type { RemovedEntries } from "./removedEntries.ts";

/** A channel that somebody who is trusted tells of. */
export interface PartialAnnouncement {
  readonly shortChannelId: ShortChannelId;
  /** Of the funding output, if it is told. */
  readonly capacity?: Sat;
  readonly features: Features;
  /** The lesser of the two ids. */
  readonly nodeOne: NodeId;
  readonly nodeTwo: NodeId;
}

/** Terms of one side of a channel that somebody who is trusted tells of. */
export interface UnsignedChannelUpdate extends EdgeTerms {
  readonly shortChannelId: ShortChannelId;
  /** Whether they are node one's; otherwise they are node two's. */
  readonly fromNodeOne: boolean;
}

/** What a node is said to say of itself. */
export interface UnsignedNodeAnnouncement {
  readonly nodeId: NodeId;
  /** Seconds since 1970. */
  readonly timestamp: number;
  readonly features: Features;
  readonly addresses: readonly SocketAddress[];
  /** Red, green, blue; absent for black. */
  readonly rgbColor?: Uint8Array;
  /** 32 bytes; absent for an empty one. */
  readonly alias?: Uint8Array;
}

/** The tables, and what stays away from them. */
interface Target {
  readonly tables: GraphTables;
  readonly removed: RemovedEntries;
  readonly maxChannels: number;
}

/** Adds a channel that is not there. */
export function addPartialAnnouncement(
  { tables, removed, maxChannels }: Target,
  { shortChannelId, capacity, features, nodeOne, nodeTwo }: PartialAnnouncement,
  receivedAt: UnixSeconds,
): Result<"added", GossipRefusal> {
  const { count } = tables.channels;
  if (nodeOne >= nodeTwo) return refuse("bad-node-order", `channel of ${nodeOne} and ${nodeTwo}`);
  if (tables.channels.slotOf(shortChannelId) !== undefined) {
    return refuse("duplicate", `${channelName(shortChannelId)} is known`);
  }
  if (removed.channels.has(shortChannelId)) {
    return refuse("channel-closed", `${channelName(shortChannelId)} is closed`);
  }
  if (removed.nodes.has(nodeOne) || removed.nodes.has(nodeTwo)) {
    return refuse("node-failed", `${channelName(shortChannelId)} is of a node that has failed`);
  }
  if (count >= maxChannels) return refuse("full", `${count} channels`);
  if (capacity !== undefined && satToMsat(capacity) > maxMoney) {
    return refuse("wrong-funding", `${channelName(shortChannelId)} of ${capacity} sat`);
  }
  const featureBytes = features.toBytes();
  if (featureBytes.length > maxMessageLength) {
    return refuse("too-long", `${featureBytes.length} bytes of features`);
  }
  const slot = tables.addChannel({ shortChannelId, nodeOne, nodeTwo, receivedAt });
  tables.setChannelFeatures(slot, featureBytes);
  if (capacity !== undefined) tables.setCapacity(slot, capacity);
  return ok("added");
}

/** Takes in terms of a channel that is there, if they are newer than those before. */
export function applyUnsignedUpdate(
  { tables }: Target,
  update: UnsignedChannelUpdate,
  now: UnixSeconds,
): Result<"updated", GossipRefusal> {
  const { shortChannelId, fromNodeOne } = update;
  const slot = tables.channels.slotOf(shortChannelId);
  if (slot === undefined) return refuse("unknown-channel", `update of ${channelName(shortChannelId)}`);
  const edge = 2 * slot + (fromNodeOne ? 0 : 1);
  const refusal =
    refusalOfTime(update.lastUpdate, now, () => `update of ${channelName(shortChannelId)}`) ??
    refusalOfTerms(tables, edge, update);
  if (refusal !== undefined) return err(refusal);
  tables.setTerms(edge, update);
  return ok("updated");
}

/** Takes in what is said of a node that is there, if it is newer than what was said before. */
export function applyUnsignedNode(
  { tables }: Target,
  { nodeId, timestamp, features, addresses, rgbColor, alias }: UnsignedNodeAnnouncement,
  now: UnixSeconds,
): Result<"updated", GossipRefusal> {
  const counter = tables.nodes.counterOf(nodeId);
  if (counter === undefined) return refuse("unknown-node", `node ${nodeId} without channels`);
  if (timestamp > now + maxAhead) {
    return refuse("timestamp-out-of-range", `node ${nodeId} at ${timestamp}, it is ${now}`);
  }
  const stale = refusalOfAge(timestamp, tables.details.lastUpdate(counter), () => `node ${nodeId}`);
  if (stale !== undefined) return err(stale);
  const featureBytes = features.toBytes();
  const addressBytes = encodeAddresses(addresses);
  const length = featureBytes.length + addressBytes.length;
  if (length > maxMessageLength) return refuse("too-long", `${length} bytes about a node`);
  tables.setNodeDetails(
    counter,
    {
      type: "node_announcement",
      signature: new Uint8Array(64) as Signature,
      features: featureBytes,
      timestamp,
      nodeId,
      rgbColor: rgbColor ?? new Uint8Array(3),
      alias: alias ?? new Uint8Array(32),
      addresses: addressBytes,
      unknownFields: noBytes,
    },
    false,
  );
  return ok("updated");
}
