import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { EsploraSource } from "@fulmen/chain-sync/esplora";
import { msat, sat } from "@fulmen/lightning/util";
import type { Node } from "@fulmen/node";
import { EsploraServer } from "@fulmen/testkit/esplora";
import { booked, Playfield, until } from "./support/playfield.ts";

// Two nodes that hear of the chain from an Esplora server, over real HTTP, and from nobody else.

const field = new Playfield();
const server = new EsploraServer(field.chain, { feeEstimates: { "1": 2, "6": 1.5, "144": 1.01 } });
let alice: Node;
let bob: Node;

before(async () => {
  await server.listen();
  const chain = () => new EsploraSource({ url: server.url, network: "regtest", pollInterval: 10 });
  alice = await field.start("alice", { chain: chain() });
  bob = await field.start("bob", { chain: chain() });
});
after(async () => {
  await field.stop();
  await server.close();
});

test("a channel is opened, paid over, and closed by force through a reorganisation", async () => {
  await field.fund(alice);
  await field.fund(bob);
  const { channelId } = await alice.openChannel({ peer: bob.status().uri ?? "", amount: sat(1_000_000) });
  await until(() => field.chain.mempool.length > 0, "the funding in the mempool");
  await field.mine(6);
  await until(() => [alice, bob].every((node) => node.status().channels.usable === 1), "a usable channel");
  const { invoice } = await bob.receive({ amount: msat(25_000_000), description: "tea" });
  assert.equal((await alice.pay(invoice)).status, "succeeded");

  await alice.forceCloseChannel(channelId);
  await until(() => field.chain.mempool.length > 0, "the commitment in the mempool");
  await field.mine(2);
  field.chain.reorg(2);
  await field.mine(1);
  // The delay is over after 144 blocks, and what is left is swept.
  for (let n = 0; n < 30 && alice.balances().onchain.total < sat(1_900_000); n++) await field.mine(10);
  for (const node of [alice, bob]) {
    await until(() => booked(node) === node.balances().total, `the ledger of ${node.status().alias} fits`);
    assert.deepEqual(node.balances().closing, []);
    assert.equal(node.balances().total, BigInt(node.balances().onchain.total) * 1_000n);
  }
  assert.ok(bob.balances().onchain.total > sat(2_000_000));
});
