import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { installNodeCrypto } from "@fulmen/crypto-node";
import { formatNames } from "#src/commitment/formats/formatOf";
import type { FormatName } from "#src/commitment/params";
import { msat } from "#src/util/units";
import { hashes, settle } from "../monitoredPair.ts";
import type { PartyName } from "./channelStates.ts";
import { EndingParty } from "./endingParty.ts";
import { fundedChannel } from "./fundedChannel.ts";

installNodeCrypto();

const [hash] = hashes;
assert.ok(hash !== undefined);

/** A channel with one HTLC that nobody settles, on a chain that goes on until all is spent. */
class Waiting {
  readonly chain;
  readonly us: EndingParty;
  readonly them: EndingParty;
  readonly expiry: number;

  constructor(format: FormatName, from: PartyName) {
    const { chain, us, them } = fundedChannel(format, "us");
    this.chain = chain;
    this.expiry = chain.tip.height + 60;
    (from === "us" ? us : them).add(msat(50_000_000n), hash ?? assert.fail(), this.expiry);
    settle(us, them);
    const options = { delivery: "whole-blocks", restarts: "never" } as const;
    this.us = new EndingParty(us, chain, { name: "us", ...options });
    this.them = new EndingParty(them, chain, { name: "them", ...options });
    for (const party of this.parties) party.follow();
  }

  get parties(): readonly EndingParty[] {
    return [this.us, this.them];
  }

  mine(count = 1): void {
    for (let i = 0; i < count; i++) {
      this.chain.mine();
      for (const party of this.parties) {
        party.sync();
        assert.deepEqual(party.complaints, []);
      }
    }
  }

  /** The first block whose arrival made a party broadcast its commitment. */
  mineUntilClosed(party: EndingParty): number {
    while (party.offered.size === 0) this.mine();
    assert.ok(party.offered.has(party.party.ownCommitments.at(-1)?.txid ?? assert.fail()));
    return this.chain.tip.height;
  }

  mineUntilOver(): void {
    const last = this.chain.tip.height + 120;
    while (this.parties.some(({ balances }) => balances.length > 0)) {
      this.mine();
      assert.ok(this.chain.tip.height < last, "it does not end");
    }
    this.mine(2);
    assert.deepEqual(this.chain.mempool, []);
  }

  has(party: EndingParty): bigint {
    return this.chain.coins(party.walletScript).reduce((sum, { output }) => sum + output.value, 0n);
  }
}

for (const format of formatNames) {
  describe(`a channel that its HTLC's deadline closes, ${format}`, () => {
    it("takes back what it offered, three blocks after the expiry", () => {
      const test = new Waiting(format, "us");
      assert.equal(test.mineUntilClosed(test.us), test.expiry + 3);
      assert.deepEqual(
        test.us.events.map(({ kind }) => kind),
        ["holder-force-closed"],
      );
      test.mineUntilOver();
      const kinds = test.us.events.map(({ kind }) => kind);
      assert.ok(kinds.includes("htlc-timed-out") && !kinds.includes("preimage-seen"));
      assert.ok(test.has(test.us) > 4_980_000n, `${test.has(test.us)}`);
      assert.ok(test.has(test.them) < 5_000_001n);
    });

    it("claims what it was offered with the preimage, 36 blocks before the expiry", () => {
      const test = new Waiting(format, "them");
      test.us.party.learn(hash);
      test.us.follow();
      assert.equal(test.mineUntilClosed(test.us), test.expiry - 36);
      test.mineUntilOver();
      const kinds = test.them.events.map(({ kind }) => kind);
      assert.ok(kinds.includes("preimage-seen") && !kinds.includes("htlc-timed-out"));
      assert.ok(test.has(test.us) > 5_030_000n, `${test.has(test.us)}`);
      assert.ok(test.has(test.them) < 4_950_001n);
    });

    it("ends once when both publish their commitments at the same time", () => {
      for (const winner of ["us", "them"] as const) {
        const test = new Waiting(format, "us");
        for (const party of test.parties) {
          party.party.close(true);
          party.follow();
        }
        const [first, second] = winner === "us" ? [test.us, test.them] : [test.them, test.us];
        const chosen = [...first.offered.values()];
        test.chain.mine(1, { transactions: chosen, only: [] });
        for (const party of test.parties) party.sync();
        assert.equal(test.chain.confirmations(first.party.ownCommitments.at(-1)?.txid ?? assert.fail()), 1);
        assert.deepEqual([first.complaints, second.complaints], [[], []]);
        test.mineUntilOver();
        assert.ok(test.has(test.us) > 4_980_000n, `${test.has(test.us)}`);
      }
    });
  });
}
