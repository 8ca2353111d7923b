import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { ClientError } from "@fulmen/client";
import { NodeError } from "@fulmen/node";
import { type Examined, examine } from "#src/doctor/checks";

type Answers = Exclude<Examined["node"], { readonly error: ClientError }>;

const now = 1_700_000_000;
const explained = (sat: string) => ({ amountSat: sat, explanation: "" });
const inMsat = { amountMsat: "0", explanation: "" };

const healthy: Answers = {
  info: {
    version: "1",
    now,
    phase: "running",
    nodeId: "02",
    network: "signet",
    alias: "",
    chain: {
      source: "bitcoind at x",
      height: 10,
      blockHash: "",
      blockTime: now - 600,
      tip: 10,
      isSynced: true,
      lastAnswer: now - 5,
    },
    peers: 1,
    channels: { open: 1, usable: 1, closing: 0 },
    graph: { nodes: 0, channels: 0 },
    warnings: [],
    lastEventIndex: 0,
    backupMadeAt: now - 86_401,
    lastBackupAt: now - 86_400,
  },
  balances: {
    onchain: {
      totalSat: "9",
      spendable: explained("5"),
      reserved: explained("4"),
      locked: explained("0"),
      pending: [],
    },
    lightning: {
      totalMsat: "0",
      spendable: inMsat,
      receivable: inMsat,
      sending: inMsat,
      receiving: inMsat,
      reserve: inMsat,
    },
    closing: [],
    totalMsat: "0",
  },
  channels: {
    channels: [
      {
        channelId: "c1".repeat(32),
        peer: "02".repeat(33),
        phase: "open",
        state: "normal",
        isUsable: true,
        isConnected: true,
        isOutbound: true,
        isAnnounced: false,
        capacitySat: "5",
        localMsat: "5000",
        remoteMsat: "0",
        spendableMsat: "0",
        receivableMsat: "0",
        htlcs: [],
        format: "x",
        funding: { txid: "", output: 0 },
        closing: [],
        explanation: "",
      },
    ],
  },
};

/** What is wrong, each as the beginning of what is said. */
function wrongs(more: Partial<Examined>): readonly string[] {
  const all = examine({ node: healthy, now, diskFree: 5e9, seedMode: 0o600, ...more });
  for (const { level, remedy } of all) assert.ok(level !== "wrong" || (remedy ?? "") !== "", "a remedy");
  return all.filter(({ level }) => level === "wrong").map(({ what }) => what);
}

const withInfo = (more: Partial<Answers["info"]>): Partial<Examined> => ({
  node: { ...healthy, info: { ...healthy.info, ...more } },
});

describe("the doctor", () => {
  it("has nothing to say against a healthy node", () => assert.deepEqual(wrongs({}), []));

  it("says when a backup is lost together with the store", () => {
    const notes = (backupDisk: "the store's" | "another") =>
      examine({ node: healthy, now, diskFree: 5e9, backupDisk }).filter(({ level }) => level === "note");
    assert.deepEqual(notes("another"), []);
    assert.match(notes("the store's")[0]?.what ?? "", /on the store's disk/);
  });

  it("says how many of the channels peers keep a backup of", () => {
    const said = (channels: number) => {
      const examined = withInfo({ backupAtPeers: { peers: 3, channels, of: 60 } });
      const all = examine({ node: healthy, now, diskFree: 5e9, backupDisk: "another", ...examined });
      return all.filter(({ what }) => what.includes(`backup of ${channels} of 60 channels`));
    };
    assert.deepEqual(said(60)[0]?.level, "good");
    assert.deepEqual(said(52)[0]?.level, "note");
    assert.match(said(52)[0]?.remedy ?? "", /from a file alone/);
  });

  it("notes which further chain source does not answer, and goes on", () => {
    const further = [{ source: "one" }, { source: "two", problem: "connection refused" }];
    const examined = withInfo({ chain: { ...healthy.info.chain, further } });
    assert.deepEqual(wrongs(examined), []);
    const all = examine({ node: healthy, now, diskFree: 5e9, backupDisk: "another", ...examined });
    const said = (name: string) => all.filter(({ what }) => what.startsWith(name)).map(({ level }) => level);
    assert.deepEqual([said("one"), said("two")], [["good"], ["note"]]);
  });

  it("notes payments that expire soon, with what they wait for", () => {
    const [channel] = healthy.channels.channels;
    assert.ok(channel !== undefined);
    const htlc = (expiryHeight: number) => ({
      ...{ direction: "outgoing" as const, amountMsat: "5000", paymentHash: "aa", expiryHeight },
      explanation: `until ${expiryHeight}`,
    });
    const channels = { channels: [{ ...channel, htlcs: [htlc(49), htlc(50)] }] };
    const found = examine({ node: { ...healthy, channels }, now, diskFree: 5e9, backupDisk: "another" });
    assert.deepEqual(
      found.filter(({ what }) => what.includes("that expires in 39 blocks")).map(({ remedy }) => remedy),
      ["until 49."],
    );
  });

  it("asks the chain source where the node does not answer", () => {
    const node = { error: new ClientError("unreachable", "Nobody answers.", { remedy: "Start it." }) };
    const error = new NodeError("chain-unavailable", "connection refused", { remedy: "start it" });
    const said = (...chains: NonNullable<Examined["chains"]>) =>
      examine({ node, now, diskFree: 5e9, chains, network: "signet" }).slice(1, -1);
    const core = { source: "bitcoind at x", height: 100 };
    assert.deepEqual(said(core), [{ level: "good", what: "bitcoind at x answers: signet, block 100." }]);
    const [pruned] = said({ ...core, oldestBlock: 40 });
    assert.deepEqual([pruned?.level, pruned?.what.includes("below 40")], ["note", true]);
    const refused = { source: "bitcoind at x", error };
    assert.deepEqual(
      said(refused, refused).map(({ level, remedy }) => [level, remedy]),
      [
        ["wrong", "start it"],
        ["note", "start it"],
      ],
    );
  });

  it("tells a stand-by, and another node at the same address, from a node that does not run", () => {
    const said = (code: string, process: NonNullable<Examined["process"]>) => {
      const error = new ClientError(code, "Nobody answers.", { remedy: "Start it." });
      const [finding] = examine({ node: { error }, now, diskFree: 5e9, process });
      return [finding?.level, finding?.what.slice(0, 19)];
    };
    assert.deepEqual(said("unreachable", "none"), ["wrong", "Nobody answers."]);
    assert.deepEqual(said("unreachable", "alone"), ["wrong", "Nobody answers."]);
    assert.deepEqual(said("unreachable", "with a lease"), ["note", "The node stands by:"]);
    assert.deepEqual(said("token-unknown", "none"), ["wrong", "This node does not "]);
    assert.deepEqual(said("token-unknown", "alone"), ["wrong", "Nobody answers."]);
  });

  it("finds each thing that is wrong, and only that", () => {
    const { chain } = healthy.info;
    const [channel] = healthy.channels.channels;
    assert.ok(channel !== undefined);
    const offline = { ...healthy, channels: { channels: [{ ...channel, isConnected: false }] } };
    const poor = {
      ...healthy,
      balances: {
        ...healthy.balances,
        onchain: { ...healthy.balances.onchain, spendable: explained("0"), reserved: explained("0") },
      },
    };
    const { lastBackupAt: _, ...unwritten } = healthy.info;
    const cases: readonly (readonly [Partial<Examined>, RegExp])[] = [
      [withInfo({ phase: "frozen" }), /^The node is frozen/],
      [
        withInfo({ chain: { ...chain, problem: "connection refused" } }),
        /^No blocks come from bitcoind at x: connection refused/,
      ],
      [
        withInfo({
          chain: { ...chain, problem: "connection refused" },
          warnings: [{ code: "chain-unavailable", text: "connection refused", remedy: "Start it." }],
        }),
        /^No blocks come from/,
      ],
      [withInfo({ chain: { ...chain, isSynced: false, tip: 20 } }), /block 10 of 20/],
      [withInfo({ chain: { ...chain, lastAnswer: now - 1200 } }), /said nothing for 20 minutes/],
      [withInfo({ chain: { ...chain, blockTime: now + 9000 } }), /150 minutes in the clock's future/],
      [withInfo({ chain: { ...chain, blockTime: now - 90_000 } }), /25 hours old/],
      [{ node: poor }, /no coins to pay for closing 1 channel by force/],
      [{ node: offline }, /of a channel with 5 sat of ours is not connected/],
      [withInfo({ backupMadeAt: now - 80_000 }), /not up to date: .* older than a channel/],
      [{ node: { ...healthy, info: unwritten } }, /not up to date: .* missing/],
      [{ diskFree: 1e6 }, /Only 1 MB are free/],
      [{ seedMode: 0o644 }, /Others can read the seed/],
      [withInfo({ warnings: [{ code: "x", text: "Something.", remedy: "Do this." }] }), /^Something\.$/],
      [
        { node: { error: new ClientError("unreachable", "Nobody answers.", { remedy: "Start it." }) } },
        /^Nobody answers/,
      ],
    ];
    for (const [more, expected] of cases) {
      const found = wrongs(more);
      assert.equal(found.length, 1, found.join(" | "));
      assert.match(found[0] ?? "", expected);
    }
  });
});
