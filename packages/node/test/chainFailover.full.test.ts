import assert from "node:assert/strict";
import { after, before, it } from "node:test";
import { msat, present, sat } from "@fulmen/lightning/util";
import { type Node, NodeError } from "@fulmen/node";
import { EsploraServer } from "@fulmen/testkit/esplora";
import { createFundedChain } from "@fulmen/testkit/wallet";
import { Playfield, until } from "./support/playfield.ts";

// A node whose chain source stops telling of blocks while an HTLC that it offered comes to its end: over real HTTP.

const field = new Playfield();
/** Has the blocks of the first source, which somebody may keep from it. */
const mirror = createFundedChain().chain;
const first = new EsploraServer(mirror);
const second = new EsploraServer(field.chain);
const logged: string[] = [];
let alice: Node;
let bob: Node;

function tellFirst(): void {
  for (let height = mirror.tip.height + 1; height <= field.chain.tip.height; height++)
    mirror.connectBlock(present(field.chain.blockAt(height), "a block").block);
}

before(async () => {
  for (const one of [first, second]) await one.listen();
  const chain = ({ url }: EsploraServer) => ({ esplora: { url } });
  bob = await field.start("bob");
  alice = await field.start("alice", {
    chain: chain(first),
    furtherChains: [chain(second)],
    development: { pollInterval: 10, forwardAtOnce: true },
    logger: { log: ({ module, text }) => void (module === "chain" && logged.push(text)) },
  });
});
after(async () => {
  await field.stop();
  for (const one of [first, second]) await one.close();
});

it("a node takes its money back in time though its chain source tells of no blocks any more", async () => {
  const mine = async (count: number): Promise<void> => {
    field.chain.mine(count);
    const { height } = field.chain.tip;
    await until(() => alice.status().chain.height === height, `block ${height}`);
  };
  await field.fund(alice);
  const opening = alice.openChannel({ peer: present(bob.uri, "an address"), amount: sat(1_000_000) });
  await until(() => field.chain.mempool.length > 0, "the funding");
  await mine(6);
  await opening;
  tellFirst();
  await until(
    () => alice.status().chain.source.includes(new URL(first.url).host),
    "the first source is back",
  );
  const { invoice, paymentHash } = await bob.receive({ amount: msat(50_000_000), hold: true });
  const paying = alice.pay(invoice).catch((error: unknown) => error);
  await until(async () => (await bob.payment(paymentHash))?.status === "held", "it is held");
  await bob.stop();
  // The first source has none of these blocks, and answers as if nothing had happened.
  for (let i = 0; i < 200 && alice.status().channels.open === 1; i += 10) await mine(10);
  assert.equal(
    alice.status().channels.open,
    0,
    "the channel is closed before its HTLC is the peer's to take",
  );
  assert.ok(alice.status().chain.source.includes(new URL(second.url).host));
  assert.deepEqual(
    alice
      .status()
      .warnings.map(({ code }) => code)
      .filter((code) => /chain/.test(code)),
    [],
  );
  for (let i = 0; i < 200 && alice.balances().onchain.spendable.amount < 1_900_000n; i++) await mine(8);
  assert.ok((await paying) instanceof NodeError, "the payment failed, and its money is back");
  assert.ok(alice.balances().onchain.spendable.amount > 1_900_000n);
  assert.match(logged.join("; "), /blocks come from .*; blocks come from .*; blocks come from /);
});
