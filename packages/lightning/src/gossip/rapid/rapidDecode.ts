import { chainHash, DecodeError, errorWithin, Reader } from "../../codec/index.ts";
import { toHex } from "../../util/bytes.ts";
import type { NodeId, ShortChannelId, UnixSeconds } from "../../util/ids.ts";
import { type Msat, maxU64, type Sat } from "../../util/units.ts";
import { type DecodedAddresses, decodeAddresses, Features, type SocketAddress } from "../../wire/index.ts";
import {
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

/** What stands in front of a snapshot. */
export type RapidHeader = Pick<RapidSnapshot, "version" | "chainHash" | "latestSeen">;

/** Is told what a snapshot says, in the order in which it stands there: nodes, channels, updates. */
export interface RapidVisitor {
  readonly node: (node: RapidNode) => unknown;
  readonly channel: (channel: RapidChannel) => unknown;
  readonly update: (update: RapidChannelUpdate) => unknown;
}

/** Ten times the network's size in 2025. @ldk lightning::routing::gossip::NODE_COUNT_ESTIMATE */
const maxNodes = 200_000;
/** Likewise. @ldk lightning::routing::gossip::CHAN_COUNT_ESTIMATE */
const maxChannels = 630_000;

/** The header, with which a client can tell whether it wants the rest. Throws `DecodeError`. */
export function readRapidHeader(bytes: Uint8Array): RapidHeader {
  return headerFrom(new Reader(bytes));
}

/**
 * Reads a snapshot from its first byte on. Throws `DecodeError` at what is wrong; `visitor` has then been told of all
 * that stands before, so that a visit without effect shows first whether all is well. Memory is bounded by the nodes,
 * and a count that cannot be true is refused before anything is read. Bytes behind the last update are left to later
 * versions of the format, as LDK does.
 */
export function visitRapidSnapshot(bytes: Uint8Array, visitor: RapidVisitor): void {
  const reader = new Reader(bytes);
  const { version } = headerFrom(reader);
  const hasDetails = version === 2;
  const featureSets = new FeatureSets();
  const nodeIds = within("nodes", () => readNodes(reader, { hasDetails, featureSets, visitor }));
  within("channels", () => readChannels(reader, { hasDetails, featureSets, visitor, nodeIds }));
  within("updates", () => readUpdates(reader, { hasDetails, visitor }));
}

/** All that a snapshot says, at once. Throws `DecodeError`. */
export function decodeRapidSnapshot(bytes: Uint8Array): RapidSnapshot {
  const nodes: RapidNode[] = [];
  const channels: RapidChannel[] = [];
  const updates: RapidChannelUpdate[] = [];
  visitRapidSnapshot(bytes, {
    node: (node) => nodes.push(node),
    channel: (channel) => channels.push(channel),
    update: (update) => updates.push(update),
  });
  return { ...readRapidHeader(bytes), nodes, channels, updates };
}

interface BodyContext {
  readonly hasDetails: boolean;
  readonly featureSets: FeatureSets;
  readonly visitor: RapidVisitor;
}

function headerFrom(reader: Reader): RapidHeader {
  for (const byte of rapidPrefix) if (reader.u8() !== byte) throw reader.error("not a snapshot", "prefix");
  const version = reader.u8();
  if (version !== 1 && version !== 2) throw reader.error(`unknown version ${version}`, "version");
  return { version, chainHash: chainHash.read(reader), latestSeen: reader.u32() as UnixSeconds };
}

/** A count of things of `least` bytes or more each, which must fit into what is left. */
function readCount(reader: Reader, least: number, most: number): number {
  const count = reader.u32();
  if (count > most) throw reader.error(`${count} of them, at most ${most}`);
  if (count * least > reader.remaining) throw reader.error(`${count} of them in ${reader.remaining} bytes`);
  return count;
}

/** Calls itself `name` in the errors of what is read in it. */
function within<T>(name: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw errorWithin(error, name);
  }
}

function readNodes(reader: Reader, { hasDetails, featureSets, visitor }: BodyContext): readonly NodeId[] {
  const defaults: Features[] = [];
  if (hasDetails) for (let left = reader.u8(); left > 0; left--) defaults.push(featureSets.read(reader));
  const count = readCount(reader, 33, maxNodes);
  const ids: NodeId[] = [];
  for (let i = 0; i < count; i++) {
    const key = reader.bytes(33);
    const first = key[0] ?? 0;
    const flags = hasDetails ? first & ~nodeDetailFlag.parity : 0;
    key[0] = first ^ flags;
    if (key[0] !== 2 && key[0] !== 3) throw reader.error("not a compressed point");
    const nodeId = toHex(key) as NodeId;
    ids.push(nodeId);
    if (flags === 0) continue;
    const addresses = (flags & nodeDetailFlag.addresses) === 0 ? undefined : readAddressList(reader);
    const features = readNodeFeatures(reader, flags, { defaults, featureSets });
    if ((flags & nodeDetailFlag.more) !== 0) reader.sub(readLength(reader));
    if (flags === nodeDetailFlag.more) continue;
    visitor.node({ nodeId, ...(addresses && { addresses }), ...(features && { features }) });
  }
  return ids;
}

function readNodeFeatures(
  reader: Reader,
  flags: number,
  { defaults, featureSets }: { readonly defaults: readonly Features[]; readonly featureSets: FeatureSets },
): Features | undefined {
  const which = (flags >> nodeDetailFlag.featuresShift) & 0b111;
  if (which === 0) return undefined;
  if (which === ownFeatures) return featureSets.read(reader);
  const features = defaults[which - 1];
  if (features === undefined) throw reader.error(`no default features ${which}`);
  return features;
}

/** Addresses of a kind that we do not know, or that make no sense, are left out; what follows is read all the same. */
function readAddressList(reader: Reader): readonly SocketAddress[] {
  const addresses: SocketAddress[] = [];
  for (let left = reader.u8(); left > 0; left--) {
    const address = readAddress(reader, reader.bytes(reader.u8()));
    if (address !== undefined) addresses.push(address);
  }
  return addresses;
}

function readAddress(reader: Reader, bytes: Uint8Array): SocketAddress | undefined {
  const { addresses, unknown } = understood(bytes);
  const [first, second] = addresses;
  if (second !== undefined || (first !== undefined && unknown.length > 0)) {
    throw reader.error("more than one address where one should be");
  }
  return first;
}

function understood(bytes: Uint8Array): DecodedAddresses {
  try {
    return decodeAddresses(bytes);
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error;
    return { addresses: [], unknown: bytes };
  }
}

function readChannels(
  reader: Reader,
  { hasDetails, featureSets, visitor, nodeIds }: BodyContext & { readonly nodeIds: readonly NodeId[] },
): void {
  const count = readCount(reader, 5, maxChannels);
  let id = 0n;
  for (let i = 0; i < count; i++) {
    const features = featureSets.read(reader);
    id = nextId(reader, id);
    const nodeOne = nodeAt(reader, nodeIds, readIndex(reader));
    const second = readIndex(reader);
    const hasMore = second < 0;
    const nodeTwo = nodeAt(reader, nodeIds, hasMore ? -1 - second : second);
    if (nodeOne >= nodeTwo) throw reader.error("nodes of a channel in the wrong order");
    const shortChannelId = id as ShortChannelId;
    if (hasDetails && hasMore) {
      const capacity = readCapacity(reader);
      visitor.channel({ shortChannelId, nodeOne, nodeTwo, features, capacity });
    } else {
      visitor.channel({ shortChannelId, nodeOne, nodeTwo, features });
    }
  }
}

/** A bigsize, as a number: `-1 - index` if its highest bit, which is not part of the index, is set. */
function readIndex(reader: Reader): number {
  const first = reader.u8();
  if (first < 0xfd) return first;
  if (first === 0xfd) return shortest(reader, reader.u16(), 0xfd);
  if (first === 0xfe) return shortest(reader, reader.u32(), 0x1_0000);
  const high = shortest(reader, reader.u32(), 1);
  const index = (high & 0x7fff_ffff) * 2 ** 32 + reader.u32();
  return high < 2 ** 31 ? index : -1 - index;
}

function shortest(reader: Reader, value: number, least: number): number {
  if (value < least) throw reader.error("bigsize is not in its shortest form");
  return value;
}

function nodeAt(reader: Reader, nodeIds: readonly NodeId[], index: number): NodeId {
  const nodeId = nodeIds[index];
  if (nodeId === undefined) throw reader.error(`node ${index} of ${nodeIds.length}`);
  return nodeId;
}

/** What else may follow in the same field one day is left out. */
function readCapacity(reader: Reader): Sat {
  const length = readLength(reader);
  const end = reader.offset + length;
  const capacity = reader.bigSize() as Sat;
  if (reader.offset > end) throw reader.error(`a capacity longer than its ${length} bytes`);
  if (reader.offset < end) reader.sub(end - reader.offset);
  return capacity;
}

function readUpdates(reader: Reader, { hasDetails, visitor }: Omit<BodyContext, "featureSets">): void {
  const count = readCount(reader, 2, maxChannels);
  if (count === 0) return;
  const defaults: RapidTerms = {
    cltvExpiryDelta: reader.u16(),
    htlcMinimum: reader.u64() as Msat,
    feeBaseMsat: reader.u32(),
    feeProportionalMillionths: reader.u32(),
    htlcMaximum: reader.u64() as Msat,
  };
  let id = 0n;
  let lastDirection: number | undefined;
  for (let i = 0; i < count; i++) {
    const next = nextId(reader, id);
    const flags = reader.u8();
    const direction = flags & updateFlag.fromNodeTwo;
    const isMore = hasDetails && next === id && direction === lastDirection;
    id = next;
    lastDirection = direction;
    if (isMore) {
      // Something about the update before that we do not know.
      reader.sub(readLength(reader));
      continue;
    }
    const shortChannelId = id as ShortChannelId;
    const isFromNodeOne = direction === 0;
    const enabled = (flags & updateFlag.disabled) === 0;
    if ((flags & updateFlag.incremental) === 0) {
      const terms = readTerms(reader, flags, defaults);
      visitor.update({ shortChannelId, isFromNodeOne, enabled, kind: "full", terms });
    } else {
      const changes = readChanges(reader, flags);
      visitor.update({ shortChannelId, isFromNodeOne, enabled, kind: "incremental", changes });
    }
  }
}

function readTerms(reader: Reader, flags: number, defaults: RapidTerms): RapidTerms {
  const has = (flag: number): boolean => (flags & flag) !== 0;
  return {
    cltvExpiryDelta: has(updateFlag.cltvExpiryDelta) ? reader.u16() : defaults.cltvExpiryDelta,
    htlcMinimum: has(updateFlag.htlcMinimum) ? (reader.u64() as Msat) : defaults.htlcMinimum,
    feeBaseMsat: has(updateFlag.feeBaseMsat) ? reader.u32() : defaults.feeBaseMsat,
    feeProportionalMillionths: has(updateFlag.feeProportionalMillionths)
      ? reader.u32()
      : defaults.feeProportionalMillionths,
    htlcMaximum: has(updateFlag.htlcMaximum) ? (reader.u64() as Msat) : defaults.htlcMaximum,
  };
}

function readChanges(reader: Reader, flags: number): Partial<RapidTerms> {
  const changes: { -readonly [K in keyof RapidTerms]?: RapidTerms[K] } = {};
  if ((flags & updateFlag.cltvExpiryDelta) !== 0) changes.cltvExpiryDelta = reader.u16();
  if ((flags & updateFlag.htlcMinimum) !== 0) changes.htlcMinimum = reader.u64() as Msat;
  if ((flags & updateFlag.feeBaseMsat) !== 0) changes.feeBaseMsat = reader.u32();
  if ((flags & updateFlag.feeProportionalMillionths) !== 0) changes.feeProportionalMillionths = reader.u32();
  if ((flags & updateFlag.htlcMaximum) !== 0) changes.htlcMaximum = reader.u64() as Msat;
  return changes;
}

function nextId(reader: Reader, id: bigint): bigint {
  const next = id + reader.bigSize();
  if (next > maxU64) throw reader.error("a short channel id above 2^64");
  return next;
}

/** The length of what follows: two bytes, or ten where they do not suffice. */
function readLength(reader: Reader): number {
  const length = reader.u16();
  if (length < 0xffff) return length;
  const more = reader.u64();
  if (more > BigInt(reader.remaining)) throw reader.error(`needs ${more} bytes, ${reader.remaining} left`);
  return length + Number(more);
}

/** Sets of features, of which a snapshot has few that differ: each is made once. */
class FeatureSets {
  readonly #known = new Map<string, Features>();

  read(reader: Reader): Features {
    const length = readLength(reader);
    if (length === 0) return Features.none;
    const bytes = reader.bytes(length);
    if (length > maxSharedLength) return Features.fromBytes(bytes);
    const key = toHex(bytes);
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    const features = Features.fromBytes(bytes);
    if (this.#known.size < maxShared) this.#known.set(key, features);
    return features;
  }
}

/** In bytes. */
const maxSharedLength = 64;
const maxShared = 1000;
