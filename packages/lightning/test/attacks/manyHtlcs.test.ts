import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { BlockHeader } from "@fulmen/bitcoin/block";
import type { Transaction } from "@fulmen/bitcoin/transaction";
import { formatNames } from "#src/commitment/formats/formatOf";
import type { FormatName } from "#src/commitment/params";
import { ChainMonitor } from "#src/manager/chainMonitor";
import { applyUpdate, newMonitor } from "#src/onchain/channelMonitor";
import type { BlockHash } from "#src/util/ids";
import { present } from "#src/util/invariant";
import { feeratePerKw, msat } from "#src/util/units";
import {
  channelId,
  hashes,
  type MonitoredParty,
  monitoredPair,
  settle,
  spendOf,
} from "../onchain/monitoredPair.ts";
import { Cheat } from "./cheat.ts";

// A peer fills a channel with as many HTLCs as it takes, publishes a revoked commitment with all of them, and takes
// them one by one, all in one block. What this costs the victim may grow with their number, not with its square.

const expiry = 500;

/** How often a monitor asked for a signature, and what came out. */
class Victim {
  signatures = 0;
  readonly broadcasts: Transaction[] = [];
  readonly chainMonitor: ChainMonitor;

  constructor({ keysManager, setup, updates }: MonitoredParty) {
    const signerOf = (channelKeysId: Uint8Array) => keysManager.deriveChannelSigner(channelKeysId);
    this.chainMonitor = new ChainMonitor(
      {
        signerProvider: {
          destinationScript: (keysId) => keysManager.destinationScript(keysId),
          deriveChannelSigner: (keysId) => {
            const signer = signerOf(keysId);
            return {
              sign: (request) => signer.sign(request),
              signSpend: (spend) => {
                this.signatures++;
                return signer.signSpend(spend);
              },
            };
          },
        },
        broadcaster: { broadcastTransactions: (all) => void this.broadcasts.push(...all) },
        feeEstimator: { feerate: () => feeratePerKw(1_000) },
        logger: { log: () => undefined },
      },
      { bestHeight: 100, monitors: [] },
    );
    this.chainMonitor.watchChannel(setup);
    for (const update of updates) this.chainMonitor.updateChannel(update);
  }

  /** Signatures asked for while `action` ran. */
  during(action: () => void): number {
    const before = this.signatures;
    action();
    return this.signatures - before;
  }
}

function header(height: number): BlockHeader {
  return {
    version: 1,
    previous: "00".repeat(32) as BlockHash,
    merkleRoot: "00".repeat(32) as BlockHeader["merkleRoot"],
    time: height,
    bits: 0,
    nonce: 0,
  };
}

const inBlock = (transactions: readonly Transaction[]) =>
  transactions.map((transaction, index) => ({ transaction, index }));

/** A channel with so many HTLCs in each direction, and the cheat's commitment with them, which is revoked. */
function flooded(format: FormatName, count: number) {
  const [a, b] = monitoredPair(format);
  const [first, second] = hashes;
  assert.ok(first !== undefined && second !== undefined);
  for (let i = 0; i < count; i++) {
    a.add(msat(5_000_000n), first, expiry);
    b.add(msat(5_000_000n), second, expiry);
  }
  settle(a, b);
  let monitor = newMonitor(b.setup);
  for (const update of b.updates) {
    const outcome = applyUpdate(monitor, update);
    assert.ok(outcome.kind === "applied");
    monitor = outcome.monitor;
  }
  const cheat = new Cheat(b.keysManager, monitor);
  b.fulfill(present(b.removable()[0], "an HTLC"));
  settle(a, b);
  return { victim: new Victim(a), commitment: cheat.commitment() };
}

for (const format of formatNames) {
  describe(`a revoked commitment with hundreds of HTLCs, ${format}`, () => {
    it("is punished whole, and what the peer takes in one block is answered once", () => {
      const count = format === "zero-fee-commitments" ? 57 : 60;
      const { victim, commitment } = flooded(format, count);
      const { chainMonitor } = victim;
      const punished = victim.during(() =>
        chainMonitor.blockConnected(header(101), inBlock([commitment]), 101),
      );
      assert.equal(punished, 2 * count + 1);
      const monitor = present(chainMonitor.monitor(channelId), "a monitor");
      const outPoints = monitor.chain.fundingSpend?.outputs.filter(({ kind }) => kind === "revoked") ?? [];
      const thefts = outPoints
        .slice(0, count)
        .map(({ outPoint }) => spendOf([{ ...outPoint, witness: [new Uint8Array(72)] }]));
      // The order in which some chain sources tell of a block: its header first.
      const answered = victim.during(() => {
        chainMonitor.bestBlockUpdated(header(102), 102);
        chainMonitor.transactionsConfirmed(header(102), inBlock(thefts), 102);
      });
      assert.ok(answered <= 2 * punished, `${answered} signatures for ${punished} outputs`);
      const undone = victim.during(() => {
        for (const { txid } of [...chainMonitor.relevantTxids()].slice(1))
          chainMonitor.transactionUnconfirmed(txid);
        chainMonitor.bestBlockUpdated(header(102), 102);
      });
      assert.ok(undone <= punished, `${undone} signatures after the reorganisation`);
      const taken = victim.broadcasts.at(-1);
      assert.ok(taken !== undefined && taken.inputs.length <= 100);
    });
  });
}
