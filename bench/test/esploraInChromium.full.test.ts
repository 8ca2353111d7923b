// needs: chromium
// timeout: 120 s
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type Sat, toHex } from "@fulmen/bitcoin/primitives";
import { p2a, p2wpkh } from "@fulmen/bitcoin/script";
import { encodeTransaction, txid } from "@fulmen/bitcoin/transaction";
import { feeratePerKw, present, sat } from "@fulmen/lightning/util";
import { EsploraServer } from "@fulmen/testkit/esplora";
import { createFundedChain, Faucet, inputOf } from "@fulmen/testkit/wallet";
import { browserBundle } from "#src/chromium/browserBundle";
import { openPage } from "#src/chromium/chromium";
import type { EsploraQuestion, EsploraReport } from "#src/chromium/esploraPage";

// A node in a page asks an Esplora server itself, which is at another origin.

const script = p2wpkh(new Uint8Array(20).fill(3));

/** A parent without a fee and the child that pays for both: what a zero-fee commitment needs. */
function packageOf({ chain, faucet }: ReturnType<typeof createFundedChain>) {
  const owner = new Faucet(77);
  const coin = present(faucet.spendable(chain)[0], "a coin");
  const parent = faucet.spend(
    [{ input: inputOf(coin.outPoint), output: coin.output }],
    [
      { value: coin.output.value, script: owner.script },
      { value: 0n as Sat, script: p2a() },
    ],
    { version: 3 },
  );
  const spent = parent.outputs.map((output, index) => ({
    input: inputOf({ txid: txid(parent), index }),
    output,
  }));
  const child = owner.spend(spent, [{ value: sat(coin.output.value - 10_000n), script }], { version: 3 });
  return [parent, child];
}

describe("an Esplora source in Chromium", () => {
  it("syncs, sees the mempool, knows feerates, and broadcasts a package", async () => {
    const funded = createFundedChain();
    const { chain, faucet } = funded;
    const paid = [1, 2, 3].map((n) => {
      const transaction = faucet.fund(chain, [{ value: sat(n * 10_000), script }], feeratePerKw(1_000));
      assert.ok(chain.submit(transaction).ok);
      chain.mine(1);
      return `${chain.tip.height}: ${txid(transaction)}`;
    });
    const broadcast = packageOf(funded);
    const server = new EsploraServer(chain, { feeEstimates: { "1": 12.5, "144": 1.001 } });
    await server.listen();
    try {
      const program = await browserBundle("bench/src/chromium/esploraPage.ts");
      assert.doesNotMatch(program, /["'`]node:/);
      const question: EsploraQuestion = {
        url: server.url,
        script: toHex(script),
        broadcast: broadcast.map((each) => toHex(encodeTransaction(each))),
      };
      const page = { program, files: { "/question": JSON.stringify(question) } };
      const report = JSON.parse(await openPage(page, 60)) as EsploraReport;
      assert.deepEqual(report, {
        tip: chain.tip.hash,
        heard: paid,
        unconfirmed: broadcast.slice(1).map(txid),
        feerates: ["1: 3125", "144: 251"],
        outcome: "accepted",
      });
    } finally {
      await server.close();
    }
  });
});
