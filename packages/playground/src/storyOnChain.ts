import { msat, sat } from "@fulmen/lightning/util";
import type { Forfeit } from "./ledger.ts";
import type { Narrator } from "./narrator.ts";
import type { PlaygroundNode } from "./network/playgroundNode.ts";
import { type Cast, openChannel, outcomeOf } from "./scenes.ts";
import { satText } from "./text.ts";

/** Longer than any delay of these channels' outputs, and than it takes to be final. */
const blocksUntilMature = 150;

/** One peer is gone for good with a payment under way: the chain settles it. */
export async function forceClose({ network, alice, bob }: Cast, narrator: Narrator): Promise<void> {
  narrator.chapter("A force close with a payment under way");
  const { channelId } = await readyChannel(network, narrator, { from: alice, to: bob, funding: 400_000n });
  const { invoice, paymentHash } = await bob.call("invoice", {
    amount: msat(80_000_000),
    description: "claimed on the chain",
    hold: true,
  });
  const paymentId = await narrator.act(
    async () => {
      const id = await alice.call("pay", invoice);
      await bob.event(["payment-claimable"], (event) => event.paymentHash === paymentHash);
      return id;
    },
    () => `alice pays bob ${satText(80_000n)}; he does not claim yet`,
  );
  await alice.kill();
  narrator.tell("alice is killed and does not come back for long");
  await narrator.act(
    async () => {
      await bob.call("claim", paymentHash);
      const mempool = await network.chain.call("mempool");
      await bob.call("forceClose", channelId);
      await network.untilBroadcast(2, mempool);
    },
    () => "bob claims, finds nobody to tell, and publishes his commitment with a child that pays for it",
  );
  await network.mine(1);
  await tellWhatWaits(bob, channelId, narrator);
  await narrator.act(
    async () => {
      const mempool = await network.chain.call("mempool");
      if (mempool.length === 0) await network.untilBroadcast(1, mempool);
      await network.mine(1);
    },
    () => "bob's HTLC transaction shows the preimage; coins of his wallet pay its fee",
  );
  await narrator.act(
    () => alice.start(),
    () => "alice is back, and reads the preimage in the chain",
  );
  const outcome = await outcomeOf(alice, paymentId);
  if (outcome.kind !== "sent") throw new Error(`the payment failed: ${outcome.text}`);
  narrator.tell("her payment is sent, as if bob had told her himself");
  await tellWhatWaits(bob, channelId, narrator);
  await sweepAll({ network, alice, bob }, narrator);
}

/** An old copy of a node's data publishes what it has revoked. Gives what that costs its owner. */
export async function punishCheater(
  { network, bob, carol }: Cast,
  narrator: Narrator,
): Promise<readonly Forfeit[]> {
  narrator.chapter("A cheater is punished");
  const { channelId } = await readyChannel(network, narrator, { from: bob, to: carol, funding: 300_000n });
  await pay(bob, carol, { amount: 120_000n, narrator });
  await carol.kill();
  const copy = network.copyOf(carol);
  narrator.tell(`somebody copies carol's data: in it she has ${satText(120_000n)}`);
  await carol.start();
  await network.until("carol's channel is usable again", async () => {
    const channel = await network.channel(carol, channelId);
    return channel?.isUsable === true;
  });
  await pay(carol, bob, { amount: 100_000n, narrator });
  await carol.kill();
  await narrator.act(
    async () => {
      await copy.start();
      const mempool = await network.chain.call("mempool");
      await copy.call("forceClose", channelId);
      await network.untilBroadcast(1, mempool);
      await copy.kill();
    },
    () => "the copy publishes its commitment, which carol has revoked since",
  );
  await narrator.act(
    async () => {
      await network.mine(1);
      await network.until("bob punishes", async () => (await network.chain.call("mempool")).length > 0);
      await network.mine(1);
    },
    () => "bob knows the secret of that commitment, and takes all of it before its delay is over",
  );
  await carol.start();
  await sweepAll({ network, bob, carol }, narrator);
  narrator.tell(`cheating has cost carol her ${satText(20_000n)}`);
  return [{ from: carol.name, to: bob.name, amount: sat(20_000n) }];
}

/** A channel with anchors that can carry payments. */
export async function readyChannel(
  network: Cast["network"],
  narrator: Narrator,
  what: { readonly from: PlaygroundNode; readonly to: PlaygroundNode; readonly funding: bigint },
): Promise<{ readonly channelId: string }> {
  const { from, to, funding } = what;
  const mempool = await network.chain.call("mempool");
  const channel = await openChannel(from, to, { funding, format: "anchors-zero-fee-htlc", narrator });
  await network.untilBroadcast(1, mempool);
  await network.mine(6);
  for (const node of [from, to]) {
    await node.event(["channel-ready"], (event) => event.channelId === channel.channelId);
  }
  return channel;
}

/** Pays an invoice that `to` makes; throws when that fails. */
export async function pay(
  from: PlaygroundNode,
  to: PlaygroundNode,
  { amount, narrator }: { readonly amount: bigint; readonly narrator: Narrator },
): Promise<void> {
  const { invoice } = await to.call("invoice", {
    amount: msat(amount * 1_000n),
    description: "",
    hold: false,
  });
  await narrator.act(
    async () => outcomeOf(from, await from.call("pay", invoice)),
    (outcome) => {
      if (outcome.kind !== "sent") throw new Error(`the payment failed: ${outcome.text}`);
      return `${from.name} pays ${to.name} ${satText(amount)}`;
    },
  );
}

async function tellWhatWaits(node: PlaygroundNode, channelId: string, narrator: Narrator): Promise<void> {
  const { height } = await node.call("status");
  for (const one of await node.call("waitingFunds")) {
    if (one.channelId !== channelId) continue;
    const until = one.until === undefined ? "" : `, until height ${one.until} (now ${height})`;
    narrator.tell(`  ${node.name} waits for ${satText(one.amount)}: ${one.kind}${until}`);
  }
}

/** Mines until nothing of closed channels is left outside of wallets. */
async function sweepAll(
  { network, ...cast }: Pick<Cast, "network"> & Readonly<Record<string, PlaygroundNode | Cast["network"]>>,
  narrator: Narrator,
): Promise<void> {
  const names = Object.keys(cast).join(" and ");
  await narrator.act(
    async () => {
      await network.mine(blocksUntilMature);
      await network.until("everything is swept", async () => {
        await network.mine(1);
        const left = await Promise.all(
          network.running.map(async (node) => {
            const waiting = await node.call("waitingFunds");
            return waiting.length + (await node.call("sweepsUnderWay"));
          }),
        );
        return left.every((count) => count === 0);
      });
    },
    () =>
      `${blocksUntilMature} blocks later the delays are over: ${names} have swept what was left to their wallets`,
  );
}
