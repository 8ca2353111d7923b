import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";
import type {
  BroadcasterInterface,
  ChainMonitor,
  ChannelManager,
  ChannelMessageHandler,
  ChannelMonitor,
  ChannelMonitorUpdate,
  Confirm,
  EntropySource,
  Event,
  EventsProvider,
  FeeEstimator,
  Filter,
  findRoute,
  KeysManager,
  KVStore,
  Listen,
  MessageSendEvent,
  MessageSendEventsProvider,
  NetworkGraph,
  NodeSigner,
  OutputSweeper,
  P2PGossipSync,
  PeerManager,
  ProbabilisticScorer,
  RoutingMessageHandler,
  SignerProvider,
  UserConfig,
  UtxoLookup,
  Watch,
} from "@fulmen/lightning";
import * as front from "@fulmen/lightning";

/** The nouns of LDK's architecture, each as what it is here. The types in it are what makes this file compile. */
interface Nouns {
  readonly ChannelManager: ChannelManager;
  readonly ChannelMonitor: ChannelMonitor;
  readonly ChainMonitor: ChainMonitor;
  readonly Watch: Watch;
  readonly ChannelMonitorUpdate: ChannelMonitorUpdate;
  readonly PeerManager: PeerManager;
  readonly P2PGossipSync: P2PGossipSync;
  readonly NetworkGraph: NetworkGraph;
  readonly findRoute: typeof findRoute;
  readonly ProbabilisticScorer: ProbabilisticScorer;
  readonly KeysManager: KeysManager;
  readonly OutputSweeper: OutputSweeper;
  readonly EntropySource: EntropySource;
  readonly NodeSigner: NodeSigner;
  readonly SignerProvider: SignerProvider;
  readonly UserConfig: UserConfig;
  readonly FeeEstimator: FeeEstimator;
  readonly BroadcasterInterface: BroadcasterInterface;
  readonly Filter: Filter;
  readonly Confirm: Confirm;
  readonly Listen: Listen;
  readonly UtxoLookup: UtxoLookup;
  readonly Event: Event;
  readonly MessageSendEvent: MessageSendEvent;
  readonly ChannelMessageHandler: ChannelMessageHandler;
  readonly RoutingMessageHandler: RoutingMessageHandler;
  readonly EventsProvider: EventsProvider;
  readonly MessageSendEventsProvider: MessageSendEventsProvider;
  readonly KVStore: KVStore;
}

/** What a noun is: a class or a function can be called, a type is only there for the compiler. */
const nouns: Readonly<Record<keyof Nouns, "value" | "type">> = {
  ChannelManager: "value",
  ChannelMonitor: "type",
  ChainMonitor: "value",
  Watch: "type",
  ChannelMonitorUpdate: "type",
  PeerManager: "value",
  P2PGossipSync: "value",
  NetworkGraph: "value",
  findRoute: "value",
  ProbabilisticScorer: "value",
  KeysManager: "value",
  OutputSweeper: "value",
  EntropySource: "type",
  NodeSigner: "type",
  SignerProvider: "type",
  UserConfig: "type",
  FeeEstimator: "type",
  BroadcasterInterface: "type",
  Filter: "type",
  Confirm: "type",
  Listen: "type",
  UtxoLookup: "type",
  Event: "type",
  MessageSendEvent: "type",
  ChannelMessageHandler: "type",
  RoutingMessageHandler: "type",
  EventsProvider: "type",
  MessageSendEventsProvider: "type",
  KVStore: "type",
};

/** Nouns that this package does not have, and where the README says they are. */
const elsewhere = {
  BackgroundProcessor: "@fulmen/background",
} as const;

const values: Readonly<Record<string, unknown>> = { ...front };
const text = readFileSync(new URL("../../src/index.ts", import.meta.url), "utf8");
const readme = readFileSync(new URL("../../README.md", import.meta.url), "utf8");

function exportedNames(): ReadonlySet<string> {
  const names = new Set<string>();
  for (const [, list = ""] of text.matchAll(/export (?:type )?\{([^}]*)\}/g)) {
    for (const name of list.split(",")) names.add(name.trim().replace(/^type /, ""));
  }
  return names;
}

describe("the front door", () => {
  for (const [noun, kind] of Object.entries(nouns)) {
    it(`has ${noun}`, () => {
      assert.ok(exportedNames().has(noun));
      assert.equal(typeof values[noun], kind === "value" ? "function" : "undefined");
      assert.ok(readme.includes(`\`${noun}\``), "the README does not name it");
    });
  }

  for (const [noun, where] of Object.entries(elsewhere)) {
    it(`does not have ${noun}, and the README says where it is`, () => {
      assert.ok(!exportedNames().has(noun));
      const line = readme.split("\n").find((each) => each.includes(`\`${noun}\``));
      assert.ok(line?.includes(where), "the README does not say so");
    });
  }

  it("names all that it exports, so that bundlers can leave out the rest", () => {
    assert.doesNotMatch(text, /export \*/);
  });
});
