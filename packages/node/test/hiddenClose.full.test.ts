import assert from "node:assert/strict";
import { after, before, it } from "node:test";
import { present, sat } from "@fulmen/lightning/util";
import type { Node } from "@fulmen/node";
import { EsploraServer } from "@fulmen/testkit/esplora";
import { Playfield, until } from "./support/playfield.ts";

// A node whose chain source tells of all blocks, and of no spend in them: over real HTTP.

const field = new Playfield();
let hides = false;
const liar = new EsploraServer(field.chain, {
  tamper: (answer, { path }) =>
    hides && path.includes("/outspend") ? { ...answer, body: '{"spent":false}' } : answer,
});
const honest = new EsploraServer(field.chain);
const logged: string[] = [];
let alice: Node;
let bob: Node;

before(async () => {
  for (const one of [liar, honest]) await one.listen();
  const chain = ({ url }: EsploraServer) => ({ esplora: { url } });
  bob = await field.start("bob");
  alice = await field.start("alice", {
    chain: chain(liar),
    furtherChains: [chain(honest)],
    development: { pollInterval: 10 },
    logger: { log: ({ module, text }) => void (module === "chain" && logged.push(text)) },
  });
});
after(async () => {
  await field.stop();
  for (const one of [liar, honest]) await one.close();
});

it("a node sees its channel closed though its chain source hides that, and says who does", async () => {
  const mine = async (count: number): Promise<void> => {
    field.chain.mine(count);
    const { height } = field.chain.tip;
    await until(() => alice.status().chain.height === height, `block ${height}`);
  };
  await field.fund(alice);
  const opening = alice.openChannel({ peer: present(bob.uri, "an address"), amount: sat(1_000_000) });
  await until(() => field.chain.mempool.length > 0, "the funding");
  await mine(6);
  const { channelId } = await opening;
  hides = true;
  // Its peer would tell.
  await alice.disconnect(bob.nodeId);
  await bob.forceCloseChannel(channelId);
  await until(() => field.chain.mempool.length > 0, "the commitment");
  await mine(1);
  await until(() => alice.balances().closing.length === 1, "the close");
  assert.match(logged.join("; "), new RegExp(`${new URL(liar.url).host}.* hides that block \\d+ spends`));
});
