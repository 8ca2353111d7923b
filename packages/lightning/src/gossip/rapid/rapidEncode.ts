import { chainHash, Writer } from "../../codec/index.ts";
import { fromHex, toHex } from "../../util/bytes.ts";
import type { NodeId } from "../../util/ids.ts";
import { InvariantError, present } from "../../util/invariant.ts";
import { type Sat, zeroMsat } from "../../util/units.ts";
import { encodeAddresses, Features, type SocketAddress } from "../../wire/index.ts";
import {
  capacityFollows,
  nodeDetailFlag,
  ownFeatures,
  type RapidChannel,
  type RapidChannelUpdate,
  type RapidNode,
  type RapidSnapshot,
  type RapidTerms,
  rapidPrefix,
  updateFlag,
} from "./rapidSnapshot.ts";

/** Sets of features that stand in front of the nodes, so that a node has but a number for them. */
const maxDefaultFeatures = 6;

/**
 * The bytes of a snapshot, with what most nodes and channels have in common said once. Of addresses no more than 255
 * are kept, none of them longer than 255 bytes. Version 1 leaves out what only version 2 can say.
 */
export function encodeRapidSnapshot(snapshot: RapidSnapshot): Uint8Array {
  const hasDetails = snapshot.version === 2;
  const writer = new Writer(1 << 16);
  writer.bytes(Uint8Array.from(rapidPrefix)).u8(snapshot.version);
  chainHash.write(writer, snapshot.chainHash);
  writer.u32(snapshot.latestSeen);
  const details = new Map(hasDetails ? snapshot.nodes.map((node) => [node.nodeId, node]) : []);
  const indices = indicesOf(snapshot.channels, details.keys());
  writeNodes(writer, indices.keys(), hasDetails ? { details, count: indices.size } : { count: indices.size });
  writer.u32(snapshot.channels.length);
  let before = 0n;
  for (const channel of snapshot.channels) {
    writeFeatures(writer, channel.features);
    writer.bigSize(difference(channel.shortChannelId, before));
    before = channel.shortChannelId;
    writer.bigSize(indexOf(indices, channel.nodeOne));
    const second = indexOf(indices, channel.nodeTwo);
    if (!hasDetails || channel.capacity === undefined) writer.bigSize(second);
    else writeCapacity(writer.bigSize(BigInt(second) | capacityFollows), channel.capacity);
  }
  writeUpdates(writer, snapshot.updates);
  return writer.finish();
}

/** The place of each node, counted from 0. */
function indicesOf(channels: readonly RapidChannel[], others: Iterable<NodeId>): ReadonlyMap<NodeId, number> {
  const indices = new Map<NodeId, number>();
  const add = (id: NodeId): void => {
    if (!indices.has(id)) indices.set(id, indices.size);
  };
  for (const { nodeOne, nodeTwo } of channels) {
    add(nodeOne);
    add(nodeTwo);
  }
  for (const id of others) add(id);
  return indices;
}

function indexOf(indices: ReadonlyMap<NodeId, number>, id: NodeId): number {
  return present(indices.get(id), "the index of a node");
}

function difference(id: bigint, before: bigint): bigint {
  if (id < before) throw new InvariantError(`channel ${id} behind ${before}`);
  return id - before;
}

function writeNodes(
  writer: Writer,
  ids: Iterable<NodeId>,
  { count, details }: { readonly count: number; readonly details?: ReadonlyMap<NodeId, RapidNode> },
): void {
  const defaults = details === undefined ? [] : commonFeatures(details.values());
  if (details !== undefined) {
    writer.u8(defaults.length);
    for (const features of defaults) writeFeatures(writer, features);
  }
  const numbers = new Map(defaults.map((features, index) => [keyOf(features), index + 1]));
  writer.u32(count);
  for (const id of ids) {
    const key = fromHex(id);
    const node = details?.get(id);
    if (node === undefined) writer.bytes(key);
    else writeNode(writer, key, { node, numbers });
  }
}

function writeNode(
  writer: Writer,
  key: Uint8Array,
  { node, numbers }: { readonly node: RapidNode; readonly numbers: ReadonlyMap<string, number> },
): void {
  const { addresses, features } = node;
  const which = features === undefined ? 0 : (numbers.get(keyOf(features)) ?? ownFeatures);
  const isReminder = addresses === undefined && features === undefined;
  const flags =
    (addresses === undefined ? 0 : nodeDetailFlag.addresses) |
    (which << nodeDetailFlag.featuresShift) |
    (isReminder ? nodeDetailFlag.reminder : 0);
  writer.u8((key[0] ?? 0) | flags).bytes(key.subarray(1));
  if (addresses !== undefined) writeAddressList(writer, addresses);
  if (features !== undefined && which === ownFeatures) writeFeatures(writer, features);
}

function writeAddressList(writer: Writer, addresses: readonly SocketAddress[]): void {
  const encoded = addresses
    .map((address) => encodeAddresses([address]))
    .filter(({ length }) => length <= 0xff)
    .slice(0, 0xff);
  writer.u8(encoded.length);
  for (const bytes of encoded) writer.u8(bytes.length).bytes(bytes);
}

/** The most common sets of features that more than one node has, the most common first. */
function commonFeatures(nodes: Iterable<RapidNode>): readonly Features[] {
  const counts = new Map<string, number>();
  for (const { features } of nodes) if (features !== undefined) count(counts, keyOf(features));
  return [...counts]
    .filter(([, times]) => times > 1)
    .sort(([a, timesOfA], [b, timesOfB]) => timesOfB - timesOfA || (a < b ? -1 : 1))
    .slice(0, maxDefaultFeatures)
    .map(([key]) => Features.fromBytes(fromHex(key)));
}

function keyOf(features: Features): string {
  return toHex(features.toBytes());
}

function writeFeatures(writer: Writer, features: Features): void {
  const bytes = features.toBytes();
  // From here on the length would take ten bytes; no message of gossip has so much room.
  if (bytes.length >= 0xffff) throw new InvariantError(`${bytes.length} bytes of features`);
  writer.u16(bytes.length).bytes(bytes);
}

function writeCapacity(writer: Writer, capacity: Sat): void {
  const field = new Writer(9).bigSize(capacity).finish();
  writer.u16(field.length).bytes(field);
}

function writeUpdates(writer: Writer, updates: readonly RapidChannelUpdate[]): void {
  writer.u32(updates.length);
  if (updates.length === 0) return;
  const defaults = commonTerms(updates);
  const { cltvExpiryDelta, htlcMinimum, feeBaseMsat, feeProportionalMillionths, htlcMaximum } = defaults;
  writer
    .u16(cltvExpiryDelta)
    .u64(htlcMinimum)
    .u32(feeBaseMsat)
    .u32(feeProportionalMillionths)
    .u64(htlcMaximum);
  let before = 0n;
  for (const update of updates) {
    writer.bigSize(difference(update.shortChannelId, before));
    before = update.shortChannelId;
    const direction = update.isFromNodeOne ? 0 : updateFlag.fromNodeTwo;
    const flags = direction | (update.enabled ? 0 : updateFlag.disabled);
    if (update.kind === "full") writeChanges(writer, flags, changesOf(update.terms, defaults));
    else writeChanges(writer, flags | updateFlag.incremental, update.changes);
  }
}

function writeChanges(writer: Writer, flags: number, changes: Partial<RapidTerms>): void {
  const { cltvExpiryDelta, htlcMinimum, feeBaseMsat, feeProportionalMillionths, htlcMaximum } = changes;
  writer.u8(
    flags |
      (cltvExpiryDelta === undefined ? 0 : updateFlag.cltvExpiryDelta) |
      (htlcMinimum === undefined ? 0 : updateFlag.htlcMinimum) |
      (feeBaseMsat === undefined ? 0 : updateFlag.feeBaseMsat) |
      (feeProportionalMillionths === undefined ? 0 : updateFlag.feeProportionalMillionths) |
      (htlcMaximum === undefined ? 0 : updateFlag.htlcMaximum),
  );
  if (cltvExpiryDelta !== undefined) writer.u16(cltvExpiryDelta);
  if (htlcMinimum !== undefined) writer.u64(htlcMinimum);
  if (feeBaseMsat !== undefined) writer.u32(feeBaseMsat);
  if (feeProportionalMillionths !== undefined) writer.u32(feeProportionalMillionths);
  if (htlcMaximum !== undefined) writer.u64(htlcMaximum);
}

/** What of `terms` is not as in `others`. */
function changesOf(terms: RapidTerms, others: RapidTerms): Partial<RapidTerms> {
  return {
    ...(terms.cltvExpiryDelta !== others.cltvExpiryDelta && { cltvExpiryDelta: terms.cltvExpiryDelta }),
    ...(terms.htlcMinimum !== others.htlcMinimum && { htlcMinimum: terms.htlcMinimum }),
    ...(terms.feeBaseMsat !== others.feeBaseMsat && { feeBaseMsat: terms.feeBaseMsat }),
    ...(terms.feeProportionalMillionths !== others.feeProportionalMillionths && {
      feeProportionalMillionths: terms.feeProportionalMillionths,
    }),
    ...(terms.htlcMaximum !== others.htlcMaximum && { htlcMaximum: terms.htlcMaximum }),
  };
}

/** The most common value of each field: full updates need not say it. */
function commonTerms(updates: readonly RapidChannelUpdate[]): RapidTerms {
  const cltvExpiryDelta = new Map<number, number>();
  const htlcMinimum = new Map<RapidTerms["htlcMinimum"], number>();
  const feeBaseMsat = new Map<number, number>();
  const feeProportionalMillionths = new Map<number, number>();
  const htlcMaximum = new Map<RapidTerms["htlcMaximum"], number>();
  for (const update of updates) {
    if (update.kind !== "full") continue;
    count(cltvExpiryDelta, update.terms.cltvExpiryDelta);
    count(htlcMinimum, update.terms.htlcMinimum);
    count(feeBaseMsat, update.terms.feeBaseMsat);
    count(feeProportionalMillionths, update.terms.feeProportionalMillionths);
    count(htlcMaximum, update.terms.htlcMaximum);
  }
  return {
    cltvExpiryDelta: mostCommon(cltvExpiryDelta, 0),
    htlcMinimum: mostCommon(htlcMinimum, zeroMsat),
    feeBaseMsat: mostCommon(feeBaseMsat, 0),
    feeProportionalMillionths: mostCommon(feeProportionalMillionths, 0),
    htlcMaximum: mostCommon(htlcMaximum, zeroMsat),
  };
}

function count<K>(counts: Map<K, number>, key: K): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}

/** Of several that are as common, the one that came first. */
function mostCommon<K>(counts: ReadonlyMap<K, number>, otherwise: K): K {
  let best = otherwise;
  let most = 0;
  for (const [key, times] of counts) {
    if (times <= most) continue;
    best = key;
    most = times;
  }
  return best;
}
