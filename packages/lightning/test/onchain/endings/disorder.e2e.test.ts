import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { txid } from "@fulmen/bitcoin/transaction";
import { installNodeCrypto } from "@fulmen/crypto-node";
import type { ChainBlock } from "@fulmen/testkit/chain";
import { Dice } from "@fulmen/testkit/network";
import { formatNames } from "#src/commitment/formats/formatOf";
import type { FormatName } from "#src/commitment/params";
import { blockHeight } from "#src/util/ids";
import { settle } from "../monitoredPair.ts";
import { addOne, enterState } from "./channelStates.ts";
import { signedCommitment, signedSecondStage } from "./cheat.ts";
import { EndingParty } from "./endingParty.ts";
import { fundedChannel } from "./fundedChannel.ts";

installNodeCrypto();

/** A channel with twins that has ended by a commitment of the peer, with HTLCs taken by both sides. */
function ended(format: FormatName) {
  const { chain, us, them } = fundedChannel(format, "us");
  const start = chain.tip.height;
  const expiry = start + 20;
  enterState({ us, them }, "twins", expiry);
  const options = { delivery: "whole-blocks", restarts: "never" } as const;
  const reference = new EndingParty(us, chain, { name: "us", ...options });
  const liedTo = new EndingParty(us, chain, { name: "us", ...options });
  const peer = new EndingParty(them, chain, { name: "them", ...options });
  for (const party of [reference, liedTo, peer]) party.follow();
  const commitment = them.ownCommitments.at(-1) ?? assert.fail("no commitment");
  chain.mine(2, { transactions: [signedCommitment(them, commitment)] });
  const successes = commitment.htlcs.filter(({ stage }) => stage === "success").slice(0, 2);
  for (const htlc of successes) {
    chain.mine(1, { transactions: [signedSecondStage(them, commitment, htlc, peer.wallet)] });
  }
  reference.sync();
  while (chain.tip.height < expiry + 4) {
    chain.mine();
    reference.sync();
  }
  chain.mine(3);
  reference.sync();
  const blocks = Array.from(
    { length: chain.tip.height - start },
    (_, i) => chain.blockAt(start + 1 + i) ?? assert.fail("no block"),
  );
  return { reference, liedTo, blocks, start: chain.blockAt(start) ?? assert.fail() };
}

/** What a chain source may say that is out of order, told twice, or not true. */
function mislead({ chainMonitor }: EndingParty, blocks: readonly ChainBlock[], dice: Dice): string {
  const { block, height, txids } = blocks[dice.roll(blocks.length)] ?? assert.fail();
  const transactions = block.transactions.map((transaction, index) => ({ index, transaction }));
  const other = blockHeight(Math.max(1, height + dice.roll(9) - 4));
  const hash = blocks[dice.roll(blocks.length)]?.hash ?? assert.fail();
  const lies: Readonly<Record<string, () => void>> = {
    block: () => chainMonitor.blockConnected(block.header, transactions, height),
    "block at another height": () => chainMonitor.blockConnected(block.header, transactions, other),
    transactions: () => chainMonitor.transactionsConfirmed(block.header, transactions, height),
    "some transactions": () =>
      chainMonitor.transactionsConfirmed(block.header, transactions.slice(dice.roll(3)), height),
    tip: () => chainMonitor.bestBlockUpdated(block.header, height),
    "tip at another height": () => chainMonitor.bestBlockUpdated(block.header, other),
    disconnected: () => chainMonitor.blocksDisconnected({ hash, height: other }),
    unconfirmed: () => chainMonitor.transactionUnconfirmed(txids[dice.roll(txids.length)] ?? assert.fail()),
    rebroadcast: () => chainMonitor.rebroadcast(),
  };
  const names = Object.keys(lies);
  const name = names[dice.roll(names.length)] ?? assert.fail();
  lies[name]?.();
  return name;
}

for (const format of formatNames) {
  describe(`a chain source that says anything, ${format}`, () => {
    it("does no lasting harm: the truth, told once, is what counts", () => {
      const { reference, liedTo, blocks, start } = ended(format);
      assert.ok(reference.monitor.chain.spends.length >= 3);
      const told = new Set<string>();
      for (let seed = 0; seed < 12; seed++) {
        const dice = new Dice(seed);
        for (let i = 0; i < 40; i++) {
          told.add(mislead(liedTo, blocks, dice));
          liedTo.save();
        }
        liedTo.chainMonitor.blocksDisconnected(start);
        for (const { block, height } of blocks) {
          const transactions = block.transactions.map((transaction, index) => ({ index, transaction }));
          liedTo.chainMonitor.blockConnected(block.header, transactions, height);
        }
        liedTo.save();
        assert.deepEqual(sorted(liedTo.monitor.chain.spends), sorted(reference.monitor.chain.spends));
        assert.deepEqual(liedTo.monitor.chain.fundingSpend?.txid, reference.monitor.chain.fundingSpend?.txid);
        assert.equal(liedTo.chainMonitor.bestHeight, reference.chainMonitor.bestHeight);
      }
      assert.equal(told.size, 9);
      assert.ok(!liedTo.party.ownCommitments.slice(0, -1).some((one) => liedTo.offered.has(one.txid)));
    });

    it("leaves the facts alone when it says them twice, and in any order that keeps parents first", () => {
      const { reference, liedTo, blocks } = ended(format);
      const dice = new Dice(3);
      const [first, ...others] = blocks;
      dice.shuffle(others);
      for (const { block, height } of [first ?? assert.fail(), ...others, ...blocks]) {
        const transactions = block.transactions.map((transaction, index) => ({ index, transaction }));
        liedTo.chainMonitor.transactionsConfirmed(block.header, transactions, height);
      }
      const last = blocks.at(-1) ?? assert.fail();
      liedTo.chainMonitor.bestBlockUpdated(last.block.header, last.height);
      liedTo.save();
      assert.deepEqual(sorted(liedTo.monitor.chain.spends), sorted(reference.monitor.chain.spends));
      const names = (party: EndingParty) =>
        [
          ...new Set(
            party.events.map((event) => ("htlcId" in event ? `${event.kind} ${event.htlcId}` : event.kind)),
          ),
        ].sort();
      assert.deepEqual(names(liedTo), names(reference));
    });

    it("forgets what was built on a transaction that is unconfirmed, told of or not", () => {
      const { chain, us, them } = fundedChannel(format, "us");
      enterState({ us, them }, "committed", chain.tip.height + 60);
      const revoked = them.ownCommitments.at(-1) ?? assert.fail("no commitment");
      addOne({ us, them }, chain.tip.height + 60);
      settle(us, them);
      const options = { delivery: "whole-blocks", restarts: "never" } as const;
      const party = new EndingParty(us, chain, { name: "us", ...options });
      const cheater = new EndingParty(them, chain, { name: "them", ...options });
      party.follow();
      chain.mine(2, { transactions: [signedCommitment(them, revoked)], only: [] });
      const htlc = revoked.htlcs.find(({ stage }) => stage === "success") ?? assert.fail("no HTLC");
      const secondStage = signedSecondStage(them, revoked, htlc, cheater.wallet);
      chain.mine(1, { transactions: [secondStage], only: [] });
      party.sync();
      chain.mine();
      party.sync();
      const punished = party.monitor.chain.spends.filter(
        ({ outPoint }) => outPoint.txid === txid(secondStage),
      );
      assert.equal(punished.length, 1);
      party.chainMonitor.transactionUnconfirmed(txid(secondStage));
      const left = party.monitor.chain.spends.map(({ outPoint }) => outPoint.txid);
      assert.ok(left.every((id) => id === revoked.txid) && left.length > 0);
      const claimed = party.balances.filter(({ kind }) => kind === "counterparty-revoked-output-claimable");
      assert.deepEqual(
        claimed.map(({ amount }) => amount),
        [htlc.value],
      );
    });
  });
}

function sorted<T extends { readonly txid: string; readonly outPoint: { readonly index: number } }>(
  spends: readonly T[],
): readonly T[] {
  return spends.toSorted((a, b) =>
    a.txid < b.txid ? -1 : a.txid > b.txid ? 1 : a.outPoint.index - b.outPoint.index,
  );
}
