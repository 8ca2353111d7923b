import type { NodeId, ShortChannelId } from "@fulmen/lightning/util";
import { shortChannelId } from "@fulmen/lightning/util";

/** The terms of one direction, as they were announced: they may make no sense. Amounts in msat, exact below 2^53. */
export interface DumpedPolicy {
  readonly htlcMinimum: number;
  /** May be above the capacity. */
  readonly htlcMaximum: number;
  readonly feeBase: number;
  readonly feeProportionalMillionths: number;
  readonly cltvExpiryDelta: number;
}

export interface DumpedChannel {
  readonly shortChannelId: ShortChannelId;
  /** Index into `GraphDump.nodes`, of the node with the lesser id. */
  readonly nodeOne: number;
  readonly nodeTwo: number;
  /** Satoshis. */
  readonly capacity: number;
  /** How node one forwards to node two; absent where it is disabled or unknown. */
  readonly oneToTwo?: DumpedPolicy;
  readonly twoToOne?: DumpedPolicy;
}

export interface DumpedNode {
  readonly nodeId: NodeId;
  readonly alias: string;
}

/** What a search needs of a public network, as plain data: without signatures, features and times. */
export interface GraphDump {
  readonly nodes: readonly DumpedNode[];
  /** Their short channel ids rise. */
  readonly channels: readonly DumpedChannel[];
}

/**
 * Reads a dump of the public network: JSON with `nodes`, of which each is `[id, alias]`, and `channels`, each `[index
 * of node one, index of node two, capacity in sat, policy of one to two or null, policy of two to one or null]` with a
 * policy of `[htlc_minimum_msat, htlc_maximum_msat, fee_base_msat, fee_proportional_millionths, cltv_expiry_delta]`.
 * The channels are numbered as they come. Throws an `Error` that names the first entry which is not like that.
 */
export function parseGraphDump(text: string): GraphDump {
  const { nodes, channels } = JSON.parse(text) as { readonly nodes?: unknown; readonly channels?: unknown };
  if (!Array.isArray(nodes) || !Array.isArray(channels)) throw new Error("not a dump of a graph");
  const parsed = nodes.map(nodeFrom);
  return { nodes: parsed, channels: channels.map((entry, index) => channelFrom(entry, index, parsed)) };
}

/** The channel that stands at `index` of a dump: each in a block of its own. */
export function numberedChannelId(index: number): ShortChannelId {
  return shortChannelId({ height: index + 1, txIndex: 1, outputIndex: 0 });
}

function nodeFrom(entry: unknown, index: number): DumpedNode {
  if (!Array.isArray(entry)) throw new Error(`node ${index} is not a list`);
  const [nodeId, alias] = entry as unknown[];
  if (typeof nodeId !== "string" || !/^0[23][0-9a-f]{64}$/.test(nodeId) || typeof alias !== "string") {
    throw new Error(`node ${index} is ${JSON.stringify(entry)}`);
  }
  return { nodeId: nodeId as NodeId, alias };
}

function channelFrom(entry: unknown, index: number, nodes: readonly DumpedNode[]): DumpedChannel {
  const name = `channel ${index}`;
  if (!Array.isArray(entry)) throw new Error(`${name} is not a list`);
  const [one, two, capacity, oneToTwo, twoToOne] = entry as unknown[];
  const nodeOne = wholeNumber(one, name);
  const nodeTwo = wholeNumber(two, name);
  const first = nodes[nodeOne];
  const second = nodes[nodeTwo];
  if (first === undefined || second === undefined || first.nodeId >= second.nodeId) {
    throw new Error(`${name} joins nodes ${nodeOne} and ${nodeTwo}`);
  }
  return {
    shortChannelId: numberedChannelId(index),
    nodeOne,
    nodeTwo,
    capacity: wholeNumber(capacity, name),
    ...(oneToTwo !== null && { oneToTwo: policyFrom(oneToTwo, name) }),
    ...(twoToOne !== null && { twoToOne: policyFrom(twoToOne, name) }),
  };
}

function policyFrom(entry: unknown, name: string): DumpedPolicy {
  if (!Array.isArray(entry)) throw new Error(`${name} has a policy that is not a list`);
  const [minimum, maximum, base, proportional, delta] = entry as unknown[];
  return {
    htlcMinimum: wholeNumber(minimum, name),
    htlcMaximum: wholeNumber(maximum, name),
    feeBase: wholeNumber(base, name),
    feeProportionalMillionths: wholeNumber(proportional, name),
    cltvExpiryDelta: wholeNumber(delta, name),
  };
}

function wholeNumber(value: unknown, name: string): number {
  if (typeof value === "number" && Number.isSafeInteger(value) && value >= 0) return value;
  throw new Error(`${name} has ${JSON.stringify(value)} where a whole number stands`);
}
