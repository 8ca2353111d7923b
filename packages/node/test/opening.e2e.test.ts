import assert from "node:assert/strict";
import { after, test } from "node:test";
import { sat } from "@fulmen/lightning/util";
import type { Node } from "@fulmen/node";
import { Playfield, until } from "./support/playfield.ts";

const field = new Playfield();
after(() => field.stop());
const viewOf = (node: Node) => node.channels()[0] ?? assert.fail("no channel");

test("a channel that opens says how many confirmations it has; without coins one is taken only where that is wanted", async () => {
  const alice = await field.start("alice");
  const poor = await field.start("poor");
  const bold = await field.start("bold", { inboundChannels: { withoutReserve: true } });
  await field.fund(alice, sat(10_000_000));
  for (const [peer, format] of [
    [bold, "anchors-zero-fee-htlc"],
    [poor, "static-remotekey"],
  ] as const) {
    await alice.openChannel({ peer: peer.uri, amount: sat(1_000_000) });
    await until(() => field.chain.mempool.length > 0, "the funding");
    assert.equal(viewOf(peer).format, format);
    assert.deepEqual(viewOf(peer).confirmations, { have: 0, need: 6 });
    await field.mine(2);
    assert.deepEqual(viewOf(peer).confirmations, { have: 2, need: 6 });
    assert.match(viewOf(peer).explanation, /2 of 6/);
    await field.mine(4);
    await until(() => viewOf(peer).isUsable, "usable");
    assert.equal(viewOf(peer).confirmations, undefined);
  }
});
