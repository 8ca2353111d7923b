import { toHex } from "@fulmen/bitcoin/primitives";
import * as ldk from "lightningdevkit";

/** How one side of a channel forwards, as LDK has it. */
interface LdkTerms {
  readonly enabled: boolean;
  readonly cltvExpiryDelta: number;
  readonly htlcMinimum: bigint;
  readonly htlcMaximum: bigint;
  readonly feeBaseMsat: number;
  readonly feeProportionalMillionths: number;
  readonly lastUpdate: number;
}

export interface LdkGraphChannel {
  readonly shortChannelId: bigint;
  readonly nodeOne: string;
  readonly nodeTwo: string;
  /** As on the wire, without the length. */
  readonly features: string;
  readonly oneToTwo?: LdkTerms;
  readonly twoToOne?: LdkTerms;
}

export interface LdkGraphNode {
  readonly nodeId: string;
  /** As on the wire, without the length; absent where the node says nothing of itself. */
  readonly features?: string;
  /** As on the wire. */
  readonly addresses?: readonly string[];
}

/** LDK's graph, filled by LDK's own client of rapid gossip sync. LDK must be loaded. */
export class LdkRapidGraph {
  readonly #graph: ldk.NetworkGraph;
  readonly #sync: ldk.RapidGossipSync;

  constructor(network: ldk.Network) {
    const logger = ldk.Logger.new_impl({ log: () => {} } as ldk.LoggerInterface);
    this.#graph = ldk.NetworkGraph.constructor_new(network, logger);
    this.#sync = ldk.RapidGossipSync.constructor_new(this.#graph, logger);
  }

  /** Gives the time of the snapshot; undefined if LDK refuses it. */
  apply(snapshot: Uint8Array, now: number): number | undefined {
    const result = this.#sync.update_network_graph_no_std(
      snapshot,
      ldk.Option_u64Z.constructor_some(BigInt(now)),
    );
    return result instanceof ldk.Result_u32GraphSyncErrorZ_OK ? result.res : undefined;
  }

  /** All channels, in ascending order. */
  channels(): readonly LdkGraphChannel[] {
    return this.#read((graph) =>
      Array.from(graph.list_channels().sort(), (id) => {
        const channel = graph.channel(id);
        const [oneToTwo, twoToOne] = [termsOf(channel.get_one_to_two()), termsOf(channel.get_two_to_one())];
        return {
          shortChannelId: id,
          nodeOne: toHex(channel.get_node_one().as_slice()),
          nodeTwo: toHex(channel.get_node_two().as_slice()),
          features: toHex(channel.get_features().write().subarray(2)),
          ...(oneToTwo && { oneToTwo }),
          ...(twoToOne && { twoToOne }),
        };
      }),
    );
  }

  /** All nodes, in ascending order. */
  nodes(): readonly LdkGraphNode[] {
    return this.#read((graph) => {
      const nodes = graph.list_nodes().map((id): LdkGraphNode => {
        const nodeId = toHex(id.as_slice());
        const info = graph.node(id).get_announcement_info();
        if (!(info instanceof ldk.Option_NodeAnnouncementInfoZ_Some)) return { nodeId };
        const features = toHex(info.some.features().write().subarray(2));
        return {
          nodeId,
          features,
          addresses: info.some.addresses().map((address) => toHex(address.write())),
        };
      });
      return nodes.sort((a, b) => (a.nodeId < b.nodeId ? -1 : 1));
    });
  }

  /** What reads a graph locks it. */
  #read<T>(read: (graph: ldk.ReadOnlyNetworkGraph) => T): T {
    const graph = this.#graph.read_only();
    try {
      return read(graph);
    } finally {
      graph.free();
    }
  }
}

function termsOf(info: ldk.ChannelUpdateInfo): LdkTerms | undefined {
  // The bindings have an object without contents where there is nothing.
  if (Reflect.get(info, "ptr") === 0n) return undefined;
  const fees = info.get_fees();
  // Its numbers of 32 bits have a sign, and truth is 0 or 1.
  return {
    enabled: Boolean(info.get_enabled()),
    cltvExpiryDelta: info.get_cltv_expiry_delta(),
    htlcMinimum: info.get_htlc_minimum_msat(),
    htlcMaximum: info.get_htlc_maximum_msat(),
    feeBaseMsat: fees.get_base_msat() >>> 0,
    feeProportionalMillionths: fees.get_proportional_millionths() >>> 0,
    lastUpdate: info.get_last_update(),
  };
}
