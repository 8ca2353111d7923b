import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Sat } from "@fulmen/bitcoin/primitives";
import { ChainSourceError } from "@fulmen/chain-sync";
import { feeratePerKw } from "@fulmen/lightning/util";
import { ElectrumServer } from "@fulmen/testkit/electrum";
import { createFundedChain, Faucet } from "@fulmen/testkit/wallet";
import { RecordingFollower } from "../transactions/recordingFollower.ts";
import { clientsOf, scene } from "./scene.ts";

const runs = 80;

/** Numbers below a limit, the same for the same seed. */
function numbersOf(seed: number): (limit: number) => number {
  let state = seed;
  return (limit) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * limit);
  };
}

/** One line with something changed, left out, or twice. */
function garbled(line: string, next: (limit: number) => number): string | readonly string[] | undefined {
  const at = next(line.length);
  switch (next(8)) {
    case 0:
      return [line, line];
    case 1:
      return undefined;
    case 2:
      return line.slice(0, at);
    case 3:
      return line.replace(
        /"(?:result|params)": ?/,
        `$&${["null,", "[],", "{}", "1e999", '"', "-"][next(6)]}`,
      );
    case 4:
      return line.replace(/\d+/g, (digits) => (next(3) === 0 ? String(next(300)) : digits));
    case 5:
      return line.replace(/[0-9a-f]{64,}/g, (hex) => (next(2) === 0 ? hex.slice(2 * next(40)) : hex));
    case 6:
      return line.replace(/\[[^\]]*\]/, "[]");
    default:
      return line.slice(0, at) + String.fromCharCode(32 + next(95)) + line.slice(at + 1);
  }
}

describe("answers of an Electrum server with errors in them", () => {
  it(`make nobody believe a thing, wait for ever or fail without a name, in ${runs} cases`, () =>
    scene(async (it) => {
      const { chain, faucet } = createFundedChain();
      const server = new ElectrumServer(chain);
      const start = chain.locator();
      const owner = new Faucet(77);
      for (let payments = 0; payments < 3; payments++) {
        const outputs = [{ value: 100_000n as Sat, script: owner.script }];
        assert.ok(chain.submit(faucet.fund(chain, outputs, feeratePerKw(1_000))).ok);
        chain.mine();
      }
      server.update();
      const outcomes = { passed: 0, failed: 0 };
      for (let seed = 1; seed <= runs; seed++) {
        const next = numbersOf(seed);
        let isTruthful = false;
        const served = await it.serve(server, {
          tamper: (line) => (isTruthful || next(6) > 0 ? line : garbled(line, next)),
        });
        const source = it.source([served.url], { timeout: 200, retryDelay: 1 });
        const follower = new RecordingFollower(start);
        const clients = clientsOf(follower, [owner.script]);
        const outcome = await source
          .start()
          .then(() => source.sync(clients))
          .then(
            () => undefined,
            (error: unknown) => error,
          );
        assert.ok(outcome === undefined || outcome instanceof ChainSourceError, `${seed}: ${outcome}`);
        outcomes[outcome === undefined ? "passed" : "failed"]++;
        // It was told of blocks of the chain only, and of transactions where they are.
        for (const [txid, { blockHash }] of follower.confirmed) {
          assert.equal(chain.transaction(txid)?.block?.hash, blockHash, `seed ${seed}`);
        }
        isTruthful = true;
        // What it told of subscriptions is believed as long as the connection lasts.
        served.cut();
        await source.start();
        // Whose connection was lost may notice only now.
        await source.sync(clients).catch(() => source.sync(clients));
        assert.equal(follower.position()?.hash, chain.tip.hash, `seed ${seed}`);
        assert.equal(follower.confirmed.size, 3, `seed ${seed}`);
        await source.stop();
        await served.close();
      }
      assert.ok(outcomes.failed > runs / 3 && outcomes.passed > 0, JSON.stringify(outcomes));
    }));
});
