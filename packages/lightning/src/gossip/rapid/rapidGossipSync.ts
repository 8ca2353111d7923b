import { DecodeError } from "../../codec/index.ts";
import type { UnixSeconds } from "../../util/ids.ts";
import { err, ok, type Result } from "../../util/result.ts";
import { type Msat, msat } from "../../util/units.ts";
import { Features } from "../../wire/index.ts";
import { maxAhead, staleAfter } from "../graph/acceptance.ts";
import type { NetworkGraph } from "../graph/networkGraph.ts";
import { edgeAmount, edgeFlag, edgeWord, type RoutingGraph } from "../graph/routingGraph.ts";
import { type RapidVisitor, readRapidHeader, visitRapidSnapshot } from "./rapidDecode.ts";
import type { RapidChannelUpdate, RapidNode, RapidTerms } from "./rapidSnapshot.ts";

/** Why a snapshot was not taken in; then the graph is as it was. @ldk lightning_rapid_gossip_sync::GraphSyncError */
export type RapidGossipRefusal =
  | { readonly kind: "bad-snapshot"; readonly text: string; readonly error: DecodeError }
  /** Of another chain; more than two weeks old; or more than a day ahead. */
  | { readonly kind: "wrong-chain" | "stale" | "from-the-future"; readonly text: string };

/** Seconds by which what a snapshot says counts as older than it is, so that what peers say themselves is newer. */
const backdatedBy = 7 * 24 * 3600;

/**
 * Fills a graph from snapshots that a server makes, in a fraction of the time that peers would take: no signatures come
 * with them and none is verified. So the server is trusted not to lie about the network, which it could do to make
 * payments fail or to see them; it cannot take any money. What is in the graph from snapshots is not relayed.
 *
 * @ldk lightning_rapid_gossip_sync::RapidGossipSync
 */
export class RapidGossipSync {
  readonly #graph: NetworkGraph;

  constructor(graph: NetworkGraph) {
    this.#graph = graph;
  }

  /** What to ask the next snapshot for: the graph holds what servers knew until then; 0 if it never met a snapshot. */
  get lastSync(): UnixSeconds {
    return this.#graph.lastRapidGossipSync ?? (0 as UnixSeconds);
  }

  /** Whether a snapshot was ever taken in: until then, a router knows little. */
  get isInitialSyncComplete(): boolean {
    return this.#graph.lastRapidGossipSync !== undefined;
  }

  /**
   * Takes a snapshot in, of either version, and forgets what is stale; gives the time that the next one is to start
   * from. It is read to its end before anything is changed: of one that is cut or false, nothing is taken. Single
   * entries that the graph has newer, or refuses, are left out, as are changes of terms that it does not know.
   */
  updateNetworkGraph(bytes: Uint8Array, now: UnixSeconds): Result<UnixSeconds, RapidGossipRefusal> {
    const header = attempt(() => readRapidHeader(bytes));
    if (!header.ok) return header;
    const { chainHash, latestSeen } = header.value;
    if (chainHash !== this.#graph.chainHash) {
      return err({ kind: "wrong-chain", text: `snapshot of chain ${chainHash}` });
    }
    if (latestSeen < now - staleAfter) {
      return err({ kind: "stale", text: `snapshot of ${latestSeen}, it is ${now}` });
    }
    if (latestSeen > now + maxAhead) {
      return err({ kind: "from-the-future", text: `snapshot of ${latestSeen}, it is ${now}` });
    }
    const readable = attempt(() => visitRapidSnapshot(bytes, withoutEffect));
    if (!readable.ok) return readable;
    const timestamp = Math.max(0, latestSeen - backdatedBy) as UnixSeconds;
    // Nodes stand in front of the channels, without which the graph does not know them.
    const nodes: RapidNode[] = [];
    visitRapidSnapshot(bytes, {
      node: (node) => nodes.push(node),
      channel: (channel) => this.#graph.addChannelFromPartialAnnouncement(channel, timestamp),
      update: (update) => this.#updateChannel(update, timestamp, now),
    });
    for (const node of nodes) this.#updateNode(node, timestamp, now);
    this.#graph.lastRapidGossipSync = latestSeen;
    this.#graph.removeStaleChannelsAndTracking(now);
    return ok(latestSeen);
  }

  #updateNode({ nodeId, addresses, features }: RapidNode, timestamp: UnixSeconds, now: UnixSeconds): void {
    const known = this.#graph.node(nodeId)?.announcement;
    this.#graph.updateNodeUnsigned(
      {
        nodeId,
        timestamp,
        features: features ?? known?.features ?? Features.none,
        addresses: addresses ?? known?.addresses ?? [],
        ...(known && { rgbColor: known.rgbColor, alias: known.alias }),
      },
      now,
    );
  }

  #updateChannel(update: RapidChannelUpdate, lastUpdate: UnixSeconds, now: UnixSeconds): void {
    const { shortChannelId, isFromNodeOne, enabled } = update;
    const terms = update.kind === "full" ? update.terms : this.#termsWith(update);
    if (terms === undefined) return;
    const { cltvExpiryDelta, htlcMinimum, feeBaseMsat, feeProportionalMillionths, htlcMaximum } = terms;
    this.#graph.updateChannelUnsigned(
      {
        shortChannelId,
        fromNodeOne: isFromNodeOne,
        enabled,
        lastUpdate,
        cltvExpiryDelta,
        htlcMinimum,
        feeBaseMsat,
        feeProportionalMillionths,
        htlcMaximum,
      },
      now,
    );
  }

  /** What the graph knows, and what has changed of it. */
  #termsWith(update: Extract<RapidChannelUpdate, { kind: "incremental" }>): RapidTerms | undefined {
    const slot = this.#graph.channelSlot(update.shortChannelId);
    if (slot === undefined) return undefined;
    const known = termsOn(this.#graph, 2 * slot + (update.isFromNodeOne ? 0 : 1));
    return known && { ...known, ...update.changes };
  }
}

/** The terms of an edge; undefined if it has none. Out of the columns, since objects come with their messages. */
function termsOn({ edgeWords, edgeAmounts }: RoutingGraph, edge: number): RapidTerms | undefined {
  const word = (place: number): number => edgeWords[edge * edgeWord.count + place] ?? 0;
  const amount = (place: number): Msat => msat(edgeAmounts[edge * edgeAmount.count + place] ?? 0);
  if ((word(edgeWord.flags) & edgeFlag.hasTerms) === 0) return undefined;
  return {
    cltvExpiryDelta: word(edgeWord.cltvExpiryDelta),
    htlcMinimum: amount(edgeAmount.htlcMinimum),
    feeBaseMsat: word(edgeWord.feeBaseMsat),
    feeProportionalMillionths: word(edgeWord.feeProportionalMillionths),
    htlcMaximum: amount(edgeAmount.htlcMaximum),
  };
}

const nothing = (): void => {};
const withoutEffect: RapidVisitor = { node: nothing, channel: nothing, update: nothing };

function attempt<T>(read: () => T): Result<T, RapidGossipRefusal> {
  try {
    return ok(read());
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error;
    return err({ kind: "bad-snapshot", text: error.message, error });
  }
}
