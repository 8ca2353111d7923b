import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { installNodeCrypto } from "@fulmen/crypto-node";
import { openSqliteStore } from "@fulmen/persist/sqlite";
import { OurNode } from "#src/index";
import { testCrashes } from "./crashPayment.ts";
import {
  bothUsable,
  checkBalances,
  openChannel,
  paid,
  settled,
  startOurPair,
  startPayment,
} from "./ourPair.ts";
import { paymentCases } from "./paymentCases.ts";

installNodeCrypto();

for (const each of paymentCases("all-pairs")) testCrashes(each);

test("a node over SQLite ends and starts again between payments", { timeout: 60_000 }, async (t) => {
  const directory = await mkdtemp(join(tmpdir(), "fulmen-interop-"));
  t.after(() => rm(directory, { recursive: true }));
  const file = join(directory, "node.sqlite");
  let pair = await startOurPair(t, { us: { store: await openSqliteStore(file) } });
  const { ldk, ldkPort, chain } = pair;
  const terms = { opener: "us", format: "anchors-zero-fee-htlc", sats: 1_000_000n } as const;
  const { channelId } = await openChannel(pair, terms);
  let ours = 1_000_000_000n;
  for (let i = 0; i < 3; i++) {
    await paid(pair, "us", await startPayment(pair, "us", 30_000_000n));
    await settled(pair);
    await paid(pair, "ldk", await startPayment(pair, "ldk", 10_000_000n));
    ours -= 20_000_000n;
    await settled(pair);
    await pair.us.stop();
    await ldk.until("peers", (peers) => peers.length === 0);
    // A block that the node does not see is there when it comes back.
    await chain.mine();
    const us = await OurNode.start({
      name: "us again",
      seedByte: 9,
      chain,
      store: await openSqliteStore(file),
    });
    t.after(() => us.stop());
    pair = { ...pair, us };
    assert.equal(us.manager.bestBlock.height, chain.height);
    await us.connect(ldkPort, ldk.nodeId);
    await bothUsable(pair, channelId);
    await checkBalances(pair, channelId, { ours, theirs: 1_000_000_000n - ours });
  }
});
