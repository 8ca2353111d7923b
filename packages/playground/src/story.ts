import type { ChannelDetails } from "@fulmen/lightning/manager";
import { msat, sat } from "@fulmen/lightning/util";
import { earningsProblems, type Forfeit } from "./ledger.ts";
import type { Narrator } from "./narrator.ts";
import type { Network } from "./network/network.ts";
import type { PlaygroundNode } from "./network/playgroundNode.ts";
import { type Cast, type OpenChannel, openChannel, outcomeOf } from "./scenes.ts";
import { forceClose, punishCheater } from "./storyOnChain.ts";
import { ledgerText, msatText, satText, short } from "./text.ts";

/** Everything from an empty chain to the last satoshi. Throws when something is not as it must be. */
export async function tellStory(cast: Cast, narrator: Narrator): Promise<void> {
  await begin(cast, narrator);
  const channels = await openChannels(cast, narrator);
  await payOverTwoHops(cast, narrator);
  await failForLackOfFunds(cast, narrator);
  await killTheMiddle(cast, channels, narrator);
  await closeChannels(cast, channels, narrator);
  await forceClose(cast, narrator);
  const forfeits = await punishCheater(cast, narrator);
  await settleAccounts(cast, forfeits, narrator);
}

async function begin({ network, alice, bob, carol }: Cast, narrator: Narrator): Promise<void> {
  narrator.chapter("A chain and three nodes, each a process of its own");
  narrator.tell(`all they write is in ${network.folder}, and is removed at the end`);
  await narrator.act(
    () => network.chain.call("height"),
    (height) =>
      `chain  pid ${network.chain.pid}  regtest in memory, height ${height}, scripts and relay policy checked`,
  );
  const started = performance.now();
  await Promise.all(
    network.nodes.map(async (node) => {
      const { nodeId, port, crypto } = await node.start();
      const took = Math.round(performance.now() - started);
      const where = `${short(nodeId)}@127.0.0.1:${port}  SQLite  ${crypto}`;
      narrator.tell(
        `${node.name.padEnd(5)}  pid ${node.pid}  ${where} ${narrator.style("dim", `(${took} ms)`)}`,
      );
    }),
  );
  await narrator.act(
    async () => {
      for (const node of network.nodes) await network.mint(node, sat(2_000_000));
      await network.mine(1);
      await alice.connect(bob);
      await bob.connect(carol);
      await network.until("all are connected", async () => {
        const { peers } = await bob.call("status");
        return peers.length === 2;
      });
    },
    () => `each gets ${satText(2_000_000n)}; alice – bob – carol are connected`,
  );
}

async function openChannels(
  { network, alice, bob, carol }: Cast,
  narrator: Narrator,
): Promise<readonly OpenChannel[]> {
  narrator.chapter("Two channels, one of each commitment format");
  const mempool = await network.chain.call("mempool");
  const first = await openChannel(alice, bob, { funding: 500_000n, format: "static-remotekey", narrator });
  const second = await openChannel(bob, carol, {
    funding: 400_000n,
    format: "anchors-zero-fee-htlc",
    narrator,
  });
  await narrator.act(
    async () => {
      await network.untilBroadcast(2, mempool);
      // One more than announcements take: no invoice needs hints from then on.
      await network.mine(7);
      for (const { from, to, channelId } of [first, second]) {
        for (const node of [from, to])
          await node.event(["channel-ready"], (event) => event.channelId === channelId);
      }
    },
    () => "both funding transactions have 7 confirmations: the channels are ready",
  );
  await narrator.act(
    () =>
      network.until("all nodes know both channels", async () => {
        const known = await Promise.all(network.nodes.map((node) => node.call("status")));
        return known.every(({ routableChannels }) => routableChannels === 2);
      }),
    () => "announced, verified against the chain, and relayed: all three nodes know both channels",
  );
  return [first, second];
}

async function payOverTwoHops({ alice, carol }: Cast, narrator: Narrator): Promise<void> {
  narrator.chapter("A BOLT 11 payment over two hops");
  const { invoice } = await carol.call("invoice", {
    amount: msat(100_000_000),
    description: "a book",
    hold: false,
  });
  narrator.tell(`carol asks for ${satText(100_000n)}: ${short(invoice, 36)}`);
  await narrator.act(
    async () => outcomeOf(alice, await alice.call("pay", invoice)),
    (outcome) => {
      if (outcome.kind !== "sent") throw new Error(`the payment failed: ${outcome.text}`);
      return `alice paid it by way of bob, who kept ${msatText(outcome.feePaid)}`;
    },
  );
  narrator.tell("the route that alice chose, and why:");
  for (const line of (await alice.call("whyRoute")).split("\n")) narrator.tell(`  ${line}`);
}

async function failForLackOfFunds({ alice, carol }: Cast, narrator: Narrator): Promise<void> {
  narrator.chapter("A payment that fails, and why");
  const { invoice } = await carol.call("invoice", {
    amount: msat(320_000_000),
    description: "more than bob has on carol's side",
    hold: false,
  });
  narrator.tell(
    `carol asks for ${satText(320_000n)}: the channel bob → carol is large enough, what bob has in it is not`,
  );
  await narrator.act(
    async () => outcomeOf(alice, await alice.call("pay", invoice)),
    (outcome) => {
      if (outcome.kind !== "failed") throw new Error("the payment went through");
      return outcome.text;
    },
  );
}

async function killTheMiddle(
  { network, alice, bob, carol }: Cast,
  channels: readonly OpenChannel[],
  narrator: Narrator,
): Promise<void> {
  narrator.chapter("SIGKILL in the middle, while a payment is under way");
  const { invoice, paymentHash } = await carol.call("invoice", {
    amount: msat(50_000_000),
    description: "claimed later",
    hold: true,
  });
  const paymentId = await narrator.act(
    async () => {
      const id = await alice.call("pay", invoice);
      await carol.event(["payment-claimable"], (event) => event.paymentHash === paymentHash);
      return id;
    },
    () => `alice pays ${satText(50_000n)}, carol does not claim yet: one HTLC is in flight on each channel`,
  );
  const { pid } = bob;
  const died = performance.now();
  await narrator.act(
    () => bob.kill(),
    () => `bob (pid ${pid}) is killed with SIGKILL`,
  );
  await carol.call("claim", paymentHash);
  const pending = await pendingHtlcs(network, alice, channels[0]);
  narrator.tell(
    `carol claims, with nobody there to tell; alice still waits: ${pending} HTLC in flight on her channel`,
  );
  await narrator.act(
    () => bob.start(),
    ({ restoredChannels }) =>
      `bob is back (pid ${bob.pid}) with what SQLite had: ${restoredChannels} channels, their HTLCs and monitors`,
  );
  const outcome = await outcomeOf(alice, paymentId);
  if (outcome.kind !== "sent") throw new Error(`the payment failed: ${outcome.text}`);
  const seconds = ((performance.now() - died) / 1_000).toFixed(2);
  narrator.tell(
    `alice's payment has settled, ${seconds} s after the kill; bob kept ${msatText(outcome.feePaid)}`,
  );
  await narrator.act(
    () => untilAtRest(network, channels),
    () => "both channels are open and usable, no HTLC is left, nothing was closed",
  );
}

async function closeChannels(
  { network, bob }: Cast,
  channels: readonly OpenChannel[],
  narrator: Narrator,
): Promise<void> {
  narrator.chapter("Closing in agreement");
  const details = await bob.call("channels");
  for (const channel of details) narrator.tell(balanceText(network, bob, channel));
  const mempool = await network.chain.call("mempool");
  await narrator.act(
    async () => {
      for (const { from, channelId } of channels) await from.call("close", channelId);
      for (const { from, to, channelId } of channels) {
        for (const node of [from, to]) {
          const { reason } = await node.event(["channel-closed"], (event) => event.channelId === channelId);
          if (!reason.kind.includes("cooperative-closure")) {
            throw new Error(`${node.name} closed ${channelId}: ${reason.kind}`);
          }
        }
      }
      await network.untilBroadcast(channels.length, mempool);
      return network.mine(6);
    },
    (height) => `both closing transactions are confirmed, height ${height}`,
  );
}

async function settleAccounts(
  { network }: Cast,
  forfeits: readonly Forfeit[],
  narrator: Narrator,
): Promise<void> {
  narrator.chapter("The ledger");
  const ledger = await network.ledger();
  for (const line of ledgerText(ledger)) narrator.line(`            ${line}`);
  const events = new Map(network.nodes.map(({ name, events: all }) => [name, all]));
  const problems = [...ledger.problems, ...earningsProblems(ledger, events, forfeits)];
  if (problems.length > 0) throw new Error(`the ledger does not add up: ${problems.join("; ")}`);
  narrator.tell(narrator.style("green", `every one of ${satText(ledger.minted)} is accounted for`));
}

async function pendingHtlcs(
  network: Network,
  node: PlaygroundNode,
  channel: OpenChannel | undefined,
): Promise<number> {
  const details = channel && (await network.channel(node, channel.channelId));
  return details?.pendingHtlcs ?? 0;
}

async function untilAtRest(network: Network, channels: readonly OpenChannel[]): Promise<void> {
  for (const { from, to, channelId } of channels) {
    for (const node of [from, to]) {
      await network.until(`${node.name}'s channel ${short(channelId)} is usable again`, async () => {
        const details = await network.channel(node, channelId);
        return details?.isUsable === true && details.pendingHtlcs === 0;
      });
    }
  }
}

function balanceText(network: Network, node: PlaygroundNode, channel: ChannelDetails): string {
  const peer = network.nameOf(channel.counterparty);
  const { localBalance, remoteBalance, capacity, format } = channel;
  return (
    `${node.name} ${msatText(localBalance)} – ${peer} ${msatText(remoteBalance)}  ` +
    `of ${satText(capacity)}  ${format}`
  );
}
