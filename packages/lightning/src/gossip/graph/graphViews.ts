import { msat, msatToSat } from "../../util/units.ts";
import { Features } from "../../wire/index.ts";
import { channelState } from "./channelTable.ts";
import type { ChannelInfo, ChannelUpdateInfo, NodeAnnouncementInfo, NodeInfo } from "./graphEntries.ts";
import type { GraphTables } from "./graphTables.ts";
import { readAddresses } from "./nodeAddresses.ts";
import { edgeFlag, edgeWord } from "./routingGraph.ts";
import type { StoredMessages } from "./storedMessages.ts";

/** Makes objects of what the columns hold, messages included, whenever somebody asks. */
export class GraphViews {
  readonly #tables: GraphTables;
  readonly #messages: StoredMessages;

  constructor(tables: GraphTables, messages: StoredMessages) {
    this.#tables = tables;
    this.#messages = messages;
  }

  /** Of a slot that is in use. */
  channel(slot: number): ChannelInfo {
    const { nodes, channels } = this.#tables;
    const nodeOneCounter = channels.edges.word(2 * slot, edgeWord.source);
    const nodeTwoCounter = channels.edges.word(2 * slot, edgeWord.target);
    const features = channels.features.get(slot);
    const capacity = this.#tables.capacityOf(slot);
    const oneToTwo = this.terms(2 * slot);
    const twoToOne = this.terms(2 * slot + 1);
    const message = this.#messages.announcement(slot);
    return {
      shortChannelId: channels.idOf(slot),
      nodeOne: nodes.idOf(nodeOneCounter),
      nodeTwo: nodes.idOf(nodeTwoCounter),
      nodeOneCounter,
      nodeTwoCounter,
      features: features === undefined ? Features.none : Features.fromBytes(features),
      unknownFeaturesRequired: channels.edges.hasFlag(2 * slot, edgeFlag.unknownFeaturesRequired),
      fundingVerified: channels.is(slot, channelState.fundingVerified),
      ...(capacity !== undefined && { capacity: msatToSat(msat(capacity)) }),
      ...(oneToTwo && { oneToTwo }),
      ...(twoToOne && { twoToOne }),
      announcementReceivedAt: channels.receivedAt(slot),
      ...(message && { message }),
    };
  }

  terms(edge: number): ChannelUpdateInfo | undefined {
    const terms = this.#tables.channels.edges.terms(edge);
    if (terms === undefined) return undefined;
    const message = this.#messages.update(edge);
    return message === undefined ? terms : { ...terms, message };
  }

  /** Of a counter that is in use. */
  node(counter: number): NodeInfo {
    const tables = this.#tables;
    const views = this;
    const nodeId = tables.nodes.idOf(counter);
    const announcement = this.#nodeAnnouncementInfo(counter);
    return {
      nodeId,
      counter,
      get channels() {
        const known = tables.nodes.counterOf(nodeId);
        return known === undefined ? [] : views.channelsOf(known);
      },
      ...(announcement && { announcement }),
    };
  }

  channelsOf(counter: number): readonly ChannelInfo[] {
    const edges = this.#tables.adjacency.edgesInto(counter);
    return Array.from(edges, (edge) => this.channel(edge >>> 1));
  }

  #nodeAnnouncementInfo(counter: number): NodeAnnouncementInfo | undefined {
    const message = this.#tables.nodeDetails(counter);
    if (message === undefined) return undefined;
    const features = Features.fromBytes(message.features);
    const addresses = readAddresses(message.addresses);
    const signed = this.#messages.node(counter);
    return {
      features,
      unknownFeaturesRequired: features.unknownRequiredBits().length > 0,
      lastUpdate: message.timestamp,
      rgbColor: message.rgbColor,
      alias: message.alias,
      addresses: addresses.ok ? addresses.value : [],
      ...(signed && { message: signed }),
    };
  }
}
