import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { decodeAddress, encodeAddress } from "@fulmen/bitcoin/address";
import { networks } from "@fulmen/bitcoin/network";
import { sat } from "@fulmen/lightning/util";
import { MemoryStore } from "@fulmen/persist/memory";
import { ChainBroadcaster } from "@fulmen/testkit/chain";
import { createFundedChain } from "@fulmen/testkit/wallet";
import { openWallet, pay, receive } from "./quickstart.ts";
import { lowFeerate, ok } from "./wallet/world.ts";

test("the README's code is quickstart.ts, which compiles, receives and pays", async () => {
  const readme = readFileSync(new URL("../README.md", import.meta.url), "utf8");
  const [, code] = /```ts\n([\s\S]*?)```/.exec(readme) ?? [];
  assert.equal(code, readFileSync(new URL("quickstart.ts", import.meta.url), "utf8"));

  const { chain, faucet } = createFundedChain({ coins: 2 });
  const store = new MemoryStore();
  let count = 0;
  const entropySource = { randomBytes: (length: number) => new Uint8Array(length).fill(++count) };
  const wallet = await openWallet(new Uint8Array(32).fill(3), store, entropySource);
  const script = decodeAddress(await receive(wallet, store), networks.regtest);
  ok(chain.submit(faucet.fund(chain, [{ value: sat(80_000), script }], lowFeerate)));
  chain.mine();
  const { block, height } = chain.tip;
  wallet.blockConnected(
    block.header,
    block.transactions.map((transaction, index) => ({ index, transaction })),
    height,
  );
  const broadcaster = new ChainBroadcaster(chain);
  const to = encodeAddress(faucet.script, networks.regtest);
  assert.ok(to !== undefined);
  await pay(to, wallet, { store, broadcaster });
  assert.deepEqual(broadcaster.takeRefused(), []);
  assert.equal(chain.mempool.length, 1);
  const again = await openWallet(new Uint8Array(32).fill(3), store, entropySource);
  assert.deepEqual(again.balance(), wallet.balance());
});
