import assert from "node:assert/strict";
import { crypto } from "@fulmen/bitcoin/crypto";
import { type OutPoint, outPointKey, toHex } from "@fulmen/bitcoin/primitives";
import { type Transaction, txid } from "@fulmen/bitcoin/transaction";
import type { SimulatedChain } from "@fulmen/testkit/chain";
import { Dice } from "@fulmen/testkit/network";
import type { BuiltHtlc } from "#src/commitment/build";
import { formatNames } from "#src/commitment/formats/formatOf";
import type { Txid } from "#src/util/ids";
import { feeratePerKw } from "#src/util/units";
import { hashes, type MonitoredParty, settle } from "../monitoredPair.ts";
import {
  addOne,
  danceAtRandom,
  enterState,
  type PartyName,
  type PlannedHtlc,
  type StateName,
  stateNames,
} from "./channelStates.ts";
import { signedCommitment, signedSecondStage } from "./cheat.ts";
import { type Delivery, deliveryNames } from "./deliveries.ts";
import { EndingParty, type Restarts } from "./endingParty.ts";
import { bumpMoney, capacity, fundedChannel } from "./fundedChannel.ts";
import { type LedgerCommitment, ledgerCommitment, total } from "./ledger.ts";

export const endingFactors = {
  format: formatNames,
  opener: ["us", "them"] as const satisfies readonly PartyName[],
  /** Which one is confirmed; a future one when our records are old. */
  commitment: ["ours", "theirs", "their previous", "revoked", "future"] as const,
  state: stateNames,
  /**
   * Whether the receivers of HTLCs know the preimages: not; when the channel closes; once the commitment is confirmed.
   */
  preimage: ["unknown", "known", "learned late"] as const,
  /** Whom miners prefer where both can take an HTLC. */
  winner: ["us", "them"] as const satisfies readonly PartyName[],
  /** Depth of the reorganisation; none for 0. */
  reorg: [0, 1, 2, 3, 4, 5, 6],
  /** What it takes back first: the commitment, or the first transaction that takes an HTLC. */
  reorgOf: ["commitment", "second stage"] as const,
  /** Whether the same happens afterwards, or another commitment is confirmed or the other side preferred. */
  afterReorg: ["same", "other"] as const,
  /** What fee estimators say, per 1,000 weight units. */
  estimate: [0n, 253n, 1000n, 1_000_000n],
  restarts: ["never", "stored", "lost"] as const satisfies readonly Restarts[],
  delivery: deliveryNames satisfies readonly Delivery[],
  /** Whether our signer is there with every block, or with every third one only, once a commitment is published. */
  signer: ["ready", "late"] as const,
};

export type EndingCase = {
  readonly [K in keyof typeof endingFactors]: (typeof endingFactors)[K][number];
};

const feerate = 1000n;
const mostBlocks = 400;

/** What became of a channel. */
export interface EndingOutcome {
  readonly blocks: number;
  readonly broadcasts: number;
}

/** A commitment that may be confirmed: whose it is, and what it is to be. */
interface Chosen {
  readonly owner: PartyName;
  readonly built: MonitoredParty["ownCommitments"][number];
  readonly ledger: LedgerCommitment;
  readonly kind: "latest" | "unrevoked" | "revoked" | "future";
}

/** Lets a channel end on a simulated chain, and checks that every satoshi of it is where it should be. */
export function runEnding(test: EndingCase): EndingOutcome {
  return new Ending(test).run();
}

class Ending {
  readonly #test: EndingCase;
  readonly #chain: SimulatedChain;
  readonly us: EndingParty;
  readonly them: EndingParty;
  readonly #expiry: number;
  /** Empty for a random dance. */
  #plan: readonly PlannedHtlc[] = [];
  readonly #dice: Dice;
  #chosen: Chosen;
  #winner: PartyName;
  #knowsPreimages: boolean;
  /** Which preimages each side showed to the channel and can still use. */
  readonly #shown = new Set<string>();
  readonly #timedOut = new Set<string>();
  readonly #eventsSeen = { us: 0, them: 0 };
  readonly #startHeight: number;

  constructor(test: EndingCase) {
    this.#test = test;
    const { chain, us, them } = fundedChannel(test.format, test.opener);
    this.#chain = chain;
    this.#startHeight = chain.tip.height;
    this.#expiry = chain.tip.height + 60;
    this.#winner = test.winner;
    this.#knowsPreimages = test.preimage === "known";
    this.#dice = new Dice(seedOf(Object.values(test).join()));
    if (test.state === "dance") danceAtRandom({ us, them }, this.#expiry, this.#dice);
    else this.#plan = enterState({ us, them }, test.state, this.#expiry);
    const known = us.updates.length;
    this.#chosen = this.#prepare(us, them);
    const { delivery, restarts } = test;
    this.us = new EndingParty(us, chain, { name: "us", delivery, restarts });
    this.them = new EndingParty(them, chain, { name: "them", delivery, restarts: "never" });
    if (this.#chosen.kind === "future") this.us.forgetsAfter(known);
    for (const party of this.#parties) {
      party.estimate = feeratePerKw(test.estimate);
      party.follow();
      for (const { paymentHash } of party.monitor.preimages) this.#shown.add(`${party.name} ${paymentHash}`);
    }
  }

  get #parties(): readonly EndingParty[] {
    return [this.us, this.them];
  }

  /** Whether the peer has what it takes to claim: a commitment that it means to be valid. */
  get #isPeerActive(): boolean {
    return this.#chosen.kind === "latest" || this.#chosen.kind === "future";
  }

  run(): EndingOutcome {
    const { preimage, reorg, reorgOf } = this.#test;
    if (this.#knowsPreimages) this.#learn();
    this.#publish();
    this.#checkBalances();
    if (this.#test.signer === "late") this.us.isSignerAway = () => this.#chain.tip.height % 3 !== 0;
    if (preimage === "learned late") {
      this.#mine();
      this.#knowsPreimages = true;
      this.#learn();
    }
    if (reorg > 0 && reorgOf === "commitment") {
      this.#mineUntil(() => this.#chain.confirmations(this.#chosen.built.txid) >= reorg);
      this.#reorgCommitment();
    }
    let reorgs = reorgOf === "second stage" ? reorg : 0;
    while (!this.#isOver()) {
      this.#mine();
      if (reorgs === 0 || !this.#secondStages().some((id) => this.#chain.confirmations(id) >= reorgs))
        continue;
      if (this.#test.afterReorg === "other") this.#winner = this.#winner === "us" ? "them" : "us";
      this.#chain.reorg(reorgs);
      this.#sync();
      reorgs = 0;
    }
    this.#mine(6);
    this.#check();
    const broadcasts = this.us.offered.size + this.them.offered.size;
    return { blocks: this.#chain.tip.height - this.#startHeight, broadcasts };
  }

  /** Moves the channel on to where the commitment that is to be confirmed is what it should be. */
  #prepare(us: MonitoredParty, them: MonitoredParty): Chosen {
    const latest = (name: PartyName): Chosen => this.#choice(name, name === "us" ? us : them, "latest");
    switch (this.#test.commitment) {
      case "ours":
        return latest("us");
      case "theirs":
        return latest("them");
      case "their previous": {
        const number = them.ownCommitments.at(-1)?.number;
        if (number !== us.commitments.remoteNumber) {
          // The peer has revoked it, but we have not heard of that.
          return this.#previousChoice(them);
        }
        if (us.commitments.remoteNext === undefined) {
          this.#plan = [...this.#plan, addOne({ us, them }, this.#expiry + 1)];
          us.sign();
        }
        return latest("them");
      }
      case "revoked": {
        const back = this.#test.state === "dance" ? this.#dice.roll(them.ownCommitments.length) : 0;
        const revoked = this.#choice("them", them, "revoked", back);
        this.#moveOn(us, them);
        assert.ok(us.commitments.remoteNumber > revoked.built.number);
        return revoked;
      }
      case "future":
        this.#moveOn(us, them);
        return this.#choice("them", them, "future");
    }
  }

  /** Brings everything under way to its end, and then both sides to new commitments. */
  #moveOn(us: MonitoredParty, them: MonitoredParty): void {
    settle(us, them);
    const added = addOne({ us, them }, this.#expiry + 1);
    settle(us, them);
    this.#plan = [...this.#plan, added].map((htlc) => settled(htlc, this.#test.state));
  }

  /** The last commitment of a party, or one that is `back` commitments older. */
  #choice(owner: PartyName, party: MonitoredParty, kind: Chosen["kind"], back = 0): Chosen {
    const built = party.ownCommitments.at(-1 - back) ?? assert.fail("no commitment");
    return { owner, built, kind, ledger: this.#ledger(owner, built, this.#plan) };
  }

  #previousChoice(them: MonitoredParty): Chosen {
    const built = them.ownCommitments.at(-2) ?? assert.fail("no commitment");
    const isOn = ({ state }: EndingCase): PlannedHtlc["on"]["theirs"] =>
      state.startsWith("adding") ? "sender" : "htlc";
    const plan = this.#plan.map((htlc) => ({ ...htlc, on: { ...htlc.on, theirs: isOn(this.#test) } }));
    return { owner: "them", built, kind: "unrevoked", ledger: this.#ledger("them", built, plan) };
  }

  #ledger(owner: PartyName, built: Chosen["built"], htlcs: readonly PlannedHtlc[]): LedgerCommitment {
    const { format, opener, state } = this.#test;
    if (state === "dance") return asBuilt(owner, built);
    const commitment = owner === "us" ? "ours" : "theirs";
    return ledgerCommitment({ format, capacity, feerate, opener, commitment, htlcs });
  }

  #learn(): void {
    for (const { party, follow } of this.#parties.map((one) => ({ party: one.party, follow: one }))) {
      const incoming = party.commitments.htlcs.filter((htlc) => htlc.direction === "incoming");
      for (const hash of new Set(incoming.map(({ paymentHash }) => paymentHash))) party.learn(hash);
      follow.follow();
    }
  }

  /** Gets the chosen commitment confirmed. */
  #publish(): void {
    const { owner, built, kind } = this.#chosen;
    const party = owner === "us" ? this.us : this.them;
    if (kind === "latest") {
      party.party.close(true);
      party.follow();
      assert.ok(party.offered.has(built.txid), "our commitment was not broadcast");
      this.#mine();
    } else {
      this.#mine(1, [signedCommitment(party.party, built)]);
    }
    assert.equal(this.#chain.confirmations(built.txid), 1);
    const { ledger } = this.#chosen;
    const values = built.htlcs.map(({ value }) => value);
    assert.deepEqual(sorted(values), sorted(ledger.htlcs));
    assert.equal(this.#chain.feeOf(built.txid), ledger.fee);
  }

  /** Right after the commitment's confirmation all that may become ours is in our balances, once. */
  #checkBalances(): void {
    const { ledger, kind, owner } = this.#chosen;
    if (this.#chain.confirmations(this.#chosen.built.txid) !== 1) return;
    const ours = total(this.us.balances.map(({ amount }) => amount));
    const htlcs = kind === "future" ? 0n : total(ledger.htlcs);
    const punished = kind === "revoked" ? ledger.main.them : 0n;
    assert.equal(ours, ledger.main.us + htlcs + punished, `our balances on a commitment of ${owner}`);
  }

  #reorgCommitment(): void {
    const { afterReorg } = this.#test;
    const before = this.#chosen;
    if (afterReorg === "other" && before.kind !== "future") {
      const owner = before.owner === "us" ? "them" : "us";
      const { party } = owner === "us" ? this.us : this.them;
      this.#chosen = this.#choice(owner, party, "latest");
    }
    const { owner, built } = this.#chosen;
    const { party } = owner === "us" ? this.us : this.them;
    const depth = this.#chain.confirmations(before.built.txid);
    this.#chain.reorg(depth, { transactions: [signedCommitment(party, built)] });
    this.#sync();
  }

  #mineUntil(isDone: () => boolean): void {
    while (!isDone()) this.#mine();
  }

  /** Mines blocks as miners would who prefer one side, and tells both of them. */
  #mine(count = 1, first: readonly Transaction[] = []): void {
    for (let i = 0; i < count; i++) {
      const transactions = [...(i === 0 ? first : []), ...this.#cheats()];
      this.#chain.mine(1, { transactions: this.#template(transactions), only: [] });
      this.#sync();
    }
    assert.ok(this.#chain.tip.height < this.#startHeight + mostBlocks, "it does not come to an end");
  }

  #sync(): void {
    for (const party of this.#parties) {
      party.sync();
      assert.deepEqual(party.complaints, []);
      this.#checkNews(party);
    }
    this.#checkWhole();
  }

  /**
   * At any time every satoshi that is or may become ours is in our balances or was handed over, but for what the peer
   * took and what claims cost.
   */
  #checkWhole(): void {
    const { built, ledger, kind } = this.#chosen;
    const isFinalUndone = this.#test.reorg >= 6;
    if (this.#chain.confirmations(built.txid) === 0 || isFinalUndone) return;
    const [htlcs, punished] = [
      kind === "future" ? 0n : total(ledger.htlcs),
      kind === "revoked" ? ledger.main.them : 0n,
    ];
    let expected = ledger.main.us + htlcs + punished;
    for (const { outputIndex, value } of built.htlcs) {
      const spender = this.#spender({ txid: built.txid, index: outputIndex });
      if (spender === undefined || this.us.offered.has(txid(spender)) || kind === "future") continue;
      expected -= kind === "revoked" ? value - secondStageValue(spender, value) : value;
    }
    for (const id of this.us.offered.keys()) {
      const found = this.#chain.transaction(id);
      if (found?.block === undefined || id === built.txid || this.us.isSweep(id)) continue;
      const hasCoins = found.transaction.inputs.some(({ outPoint }) => this.us.isCoin(outPoint));
      if (!hasCoins) expected -= this.#chain.feeOf(id) ?? 0n;
    }
    const { balances, monitor } = this.us;
    const given = monitor.handedOver.map(
      (outPoint) => this.#chain.output(outPoint)?.value ?? assert.fail("it is gone"),
    );
    assert.equal(
      total(balances.map(({ amount }) => amount)) + total(given),
      expected,
      "what is ours all together",
    );
  }

  /** What is told of as final has six confirmations, and preimages are what was asked for. */
  #checkNews(party: EndingParty): void {
    const { events, name } = party;
    const { built, owner } = this.#chosen;
    const isActive = name === "us" || this.#isPeerActive;
    for (const event of events.slice(this.#eventsSeen[name])) {
      if (!isActive) continue;
      if (event.kind === "spendable-outputs") {
        for (const { outPoint } of event.outputs) this.#checkFinal(outPoint.txid);
      } else if ("htlcId" in event) {
        const direction = owner === name ? "outgoing" : "incoming";
        const htlc = built.htlcs.find((one) => one.id === event.htlcId && one.direction === direction);
        const spender = htlc && this.#spender({ txid: built.txid, index: htlc.outputIndex });
        if (event.kind === "preimage-seen") {
          const row = party.monitor.rows.find(
            ({ htlc: one }) => one.id === event.htlcId && one.direction === "outgoing",
          );
          assert.equal(toHex(crypto().sha256(event.preimage)), row?.htlc.paymentHash);
        } else if (this.#timedOut.has(`${name} ${event.htlcId}`)) {
          // Told again after a restart.
        } else if (htlc === undefined) this.#checkFinal(built.txid);
        else this.#checkFinal(txid(spender ?? assert.fail("an HTLC that is still there timed out")));
        if (event.kind === "htlc-timed-out") this.#timedOut.add(`${name} ${event.htlcId}`);
      }
    }
    this.#eventsSeen[name] = events.length;
  }

  #checkFinal(id: Txid): void {
    assert.ok(this.#chain.confirmations(id) >= 6, `${this.#chain.confirmations(id)} confirmations only`);
  }

  /** `first`, then what the preferred side wants, then whatever else goes with that. */
  #template(first: readonly Transaction[]): readonly Transaction[] {
    const chosen = new Map<string, Transaction>();
    const spent = new Set<string>();
    const include = (transaction: Transaction): void => {
      const id = txid(transaction);
      const keys = transaction.inputs.map(({ outPoint }) => outPointKey(outPoint));
      if (chosen.has(id) || this.#chain.confirmations(id) > 0) return;
      const isPossible = transaction.inputs.every(
        ({ outPoint }) => chosen.has(outPoint.txid) || this.#chain.coin(outPoint) !== undefined,
      );
      if (!isPossible || keys.some((key) => spent.has(key))) return;
      chosen.set(id, transaction);
      for (const key of keys) spent.add(key);
    };
    for (const transaction of first) include(transaction);
    const preferred = this.#winner === "us" ? [this.us, this.them] : [this.them, this.us];
    for (const party of preferred) {
      for (const { transactions } of party.offers) {
        for (const transaction of transactions)
          if (!this.#isHeldBack(transaction, party.name)) include(transaction);
      }
    }
    for (const id of this.#chain.mempool) {
      const { transaction } = this.#chain.transaction(id) ?? assert.fail("not in the mempool");
      const owner = this.us.offered.has(id) ? "us" : "them";
      if (!this.#isHeldBack(transaction, owner)) include(transaction);
    }
    return [...chosen.values()];
  }

  /** Whether miners wait with a transaction, since the side that they prefer can take the same. */
  #isHeldBack(transaction: Transaction, from: PartyName): boolean {
    const { built, kind } = this.#chosen;
    return transaction.inputs.some(({ outPoint }) => {
      if (outPoint.txid === this.us.party.setup.funding.outPoint.txid) {
        return (
          outPoint.index === this.us.party.setup.funding.outPoint.index && txid(transaction) !== built.txid
        );
      }
      if (outPoint.txid !== built.txid || from === this.#winner) return false;
      const htlc = built.htlcs.find(({ outputIndex }) => outputIndex === outPoint.index);
      if (htlc === undefined) return false;
      if (kind === "unrevoked" && this.#winner === "them") return false;
      return this.#canTake(this.#winner, htlc);
    });
  }

  /** Whether a side can take an HTLC of the confirmed commitment: once it has expired, or will know the preimage. */
  #canTake(name: PartyName, htlc: BuiltHtlc): boolean {
    const { owner, kind } = this.#chosen;
    if (kind === "future" && name === "us") return false;
    const offeredBy = htlc.stage === "timeout" ? owner : other(owner);
    return offeredBy === name || this.#test.preimage !== "unknown" || this.#isFulfilled(htlc);
  }

  /** Whether the receiver of an HTLC showed its preimage before the channel was closed. */
  #isFulfilled({ stage, paymentHash }: BuiltHtlc): boolean {
    const { owner } = this.#chosen;
    const receiver = stage === "timeout" ? other(owner) : owner;
    if (this.#shown.has(`${receiver} ${paymentHash}`)) return true;
    return this.#plan.some((one) => one.isFulfilled && hashes[one.hash] === paymentHash);
  }

  /** HTLC transactions of a cheater, as far as miners prefer him. */
  #cheats(): readonly Transaction[] {
    const { built, kind } = this.#chosen;
    if (kind !== "revoked" || this.#winner !== "them" || this.#chain.confirmations(built.txid) === 0)
      return [];
    return built.htlcs.flatMap((htlc) => {
      const outPoint = { txid: built.txid, index: htlc.outputIndex };
      if (this.#chain.coin(outPoint) === undefined || !this.#canTake("them", htlc)) return [];
      if (htlc.stage === "success" && !this.#knowsPreimages && !this.#isFulfilled(htlc)) return [];
      if (htlc.stage === "timeout" && htlc.cltvExpiry > this.#chain.tip.height) return [];
      const transaction = signedSecondStage(this.them.party, built, htlc, this.them.wallet);
      this.them.offered.set(txid(transaction), transaction);
      return [transaction];
    });
  }

  #secondStages(): readonly Transaction["inputs"][0]["outPoint"]["txid"][] {
    return this.#chosen.built.htlcs.flatMap(({ outputIndex }) => {
      const spender = this.#spender({ txid: this.#chosen.built.txid, index: outputIndex });
      return spender === undefined ? [] : [txid(spender)];
    });
  }

  /** The confirmed transaction that spends an output. */
  #spender(outPoint: OutPoint): Transaction | undefined {
    const spender = this.#chain.outputSpentBy(outPoint);
    return spender?.block && spender.transaction;
  }

  #isOver(): boolean {
    const active = this.#isPeerActive ? this.#parties : [this.us];
    if (this.#chain.mempool.length > 0) return false;
    // Where only one side can claim at all, what needs a preimage may stay where it is.
    const mayStay = this.#chosen.kind === "unrevoked" || this.#chosen.kind === "future";
    return active.every((party) =>
      party.balances.every(({ kind }) => mayStay && kind === "maybe-preimage-claimable-htlc"),
    );
  }

  #check(): void {
    const { built, ledger, kind } = this.#chosen;
    const expected = { us: ledger.main.us, them: ledger.main.them };
    if (kind === "revoked") {
      expected.us += expected.them;
      expected.them = 0n;
    } else if (kind === "unrevoked") {
      expected.them = 0n;
    }
    for (const { outputIndex, value, ...htlc } of built.htlcs) {
      const spender = this.#spender({ txid: built.txid, index: outputIndex });
      const taker = spender && (this.us.offered.has(txid(spender)) ? "us" : "them");
      if (this.#test.afterReorg === "same") {
        assert.equal(taker, this.#expectedTaker({ outputIndex, value, ...htlc }), "another took an HTLC");
      }
      if (taker !== undefined) expected[kind === "revoked" ? "us" : taker] += value;
      if (kind === "revoked" && taker === "them") {
        const stage = this.#chain.output({ txid: txid(spender ?? assert.fail()), index: 0 });
        if (this.#test.format === "static-remotekey") expected.us -= value - (stage?.value ?? 0n);
      }
    }
    for (const [index, output] of built.transaction.outputs.entries()) {
      if (!ledger.anchors.includes(output.value)) continue;
      const spender = this.#spender({ txid: built.txid, index });
      if (spender !== undefined) expected[this.us.offered.has(txid(spender)) ? "us" : "them"] += output.value;
    }
    for (const party of this.#parties) {
      const { name } = party;
      const have = total(
        [party.walletScript, party.wallet.script, party.destination].flatMap((script) =>
          this.#chain.coins(script).map(({ output }) => output.value as bigint),
        ),
      );
      const gained = have - bumpMoney;
      if (kind === "revoked" && name === "them") continue;
      assert.equal(gained, expected[name] - this.#feesOf(party), `what ${name} have`);
    }
    this.#checkEvents();
  }

  #expectedTaker(htlc: BuiltHtlc): PartyName | undefined {
    const { kind } = this.#chosen;
    const canPeer = kind !== "unrevoked" && this.#canTake("them", htlc);
    const canWe = kind === "revoked" || this.#canTake("us", htlc);
    if (canPeer && canWe) return this.#winner;
    return canPeer ? "them" : canWe ? "us" : undefined;
  }

  /** Fees of the confirmed transactions of a party, the commitment's aside. */
  #feesOf({ offered }: EndingParty): bigint {
    let fees = 0n;
    for (const id of offered.keys()) {
      if (id === this.#chosen.built.txid || this.#chain.confirmations(id) === 0) continue;
      fees += this.#chain.feeOf(id) ?? 0n;
    }
    return fees;
  }

  /** Every HTLC that we offered has come to an end upstream that fits who took it. */
  #checkEvents(): void {
    const { built, kind } = this.#chosen;
    if (kind === "future") {
      const published = this.us.party.ownCommitments.filter((one) => this.us.offered.has(one.txid));
      assert.deepEqual(published, [], "an old commitment of ours was published");
      return;
    }
    const ends = new Map<bigint, Set<string>>();
    for (const event of this.us.events) {
      if (!("htlcId" in event)) continue;
      const kinds = ends.get(event.htlcId) ?? new Set();
      ends.set(event.htlcId, kinds.add(event.kind));
    }
    const ours = this.us.monitor.rows.filter(({ htlc }) => htlc.direction === "outgoing");
    for (const { htlc } of ours) {
      const onChain = built.htlcs.find(
        (one) => one.id === htlc.id && (this.#chosen.owner === "us") === (one.direction === "outgoing"),
      );
      const spender = onChain && this.#spender({ txid: built.txid, index: onChain.outputIndex });
      const isTheirs = spender !== undefined && !this.us.offered.has(txid(spender));
      const end = isTheirs ? "preimage-seen" : "htlc-timed-out";
      assert.ok(
        ends.get(htlc.id)?.has(end),
        `HTLC ${htlc.id} ends with ${end}, not ${[...(ends.get(htlc.id) ?? [])]}`,
      );
    }
  }
}

/** What an HTLC transaction of the peer leaves of an HTLC: all of it where its fee is paid by other coins. */
function secondStageValue({ inputs, outputs }: Transaction, value: bigint): bigint {
  return inputs.length === 1 ? (outputs[0]?.value ?? 0n) : value;
}

function seedOf(text: string): number {
  let seed = 7;
  for (const character of text) seed = Math.imul(seed, 31) + character.charCodeAt(0);
  return seed;
}

/** A commitment as the dance made it: the ledger of a channel that did things at random. */
function asBuilt(owner: PartyName, built: Chosen["built"]): LedgerCommitment {
  const { toOwner, toOther, htlcs, ownerAnchor, otherAnchor, sharedAnchor, fee } = built;
  const [ours, theirs] = owner === "us" ? [toOwner, toOther] : [toOther, toOwner];
  const anchors = [ownerAnchor, otherAnchor, sharedAnchor].flatMap((anchor) => anchor?.value ?? []);
  const main = { us: ours?.value ?? 0n, them: theirs?.value ?? 0n };
  return { main, htlcs: htlcs.map(({ value }) => value), anchors, fee };
}

/** What becomes of an HTLC when all that was under way has arrived. */
function settled(htlc: PlannedHtlc, state: StateName): PlannedHtlc {
  const isRemoved = state.startsWith("fulfilling") || state.startsWith("failing");
  const end = htlc.isFulfilled ? "receiver" : "sender";
  const where = isRemoved && htlc.hash !== 2 ? end : "htlc";
  return { ...htlc, on: { ours: where, theirs: where } };
}

function other(name: PartyName): PartyName {
  return name === "us" ? "them" : "us";
}

function sorted(values: readonly bigint[]): readonly bigint[] {
  return [...values].sort((a, b) => Number(a - b));
}
