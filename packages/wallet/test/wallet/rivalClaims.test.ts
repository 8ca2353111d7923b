import assert from "node:assert/strict";
import { test } from "node:test";
import { op, p2a, p2wsh, script } from "@fulmen/bitcoin/script";
import { type Transaction, txid, weight } from "@fulmen/bitcoin/transaction";
import { claimIdOf } from "@fulmen/lightning/chain";
import type { BumpTransactionEvent, HtlcDescriptor } from "@fulmen/lightning/onchain";
import {
  type ChannelId,
  type FeeratePerKw,
  feeratePerKw,
  maxOf,
  type NodeId,
  type OutPoint,
  type Point,
  plus,
  present,
  type Sat,
  type Signature,
  sat,
} from "@fulmen/lightning/util";
import { ChainBroadcaster } from "@fulmen/testkit/chain";
import { Dice } from "@fulmen/testkit/network";
import { Bumper } from "@fulmen/testkit/node";
import { inputOf } from "@fulmen/testkit/wallet";
import fc from "fast-check";
import { World } from "./world.ts";

// More claims than the wallet has coins: of those the worthiest goes first, whoever had the coins.

/** OP_2DROP twice and OP_1: any witness of four items unlocks it, as that of an HTLC has. */
const htlcScript = script(op._2DROP, op._2DROP, op._1);
const fundingScript = script(op._1);
const lowest = feeratePerKw(253);
/** Near enough for what a stake allows. */
const childWeight = 600;
const htlcWeight = 900;

type Kind = "commitment" | "htlc";

/** A claim of a node's, which raises its feerate with each block as far as what is at stake allows. */
class Claim {
  readonly kind: Kind;
  readonly stake: Sat;
  readonly most: FeeratePerKw;
  feerate: FeeratePerKw = lowest;
  readonly #event: (feerate: FeeratePerKw) => BumpTransactionEvent;

  constructor(world: World, id: number, terms: { readonly kind: Kind; readonly stake: Sat }) {
    const { kind, stake } = terms;
    this.kind = kind;
    this.stake = stake;
    const subject = {
      channelId: "11".repeat(32) as ChannelId,
      counterparty: `02${"22".repeat(32)}` as NodeId,
      channelKeysId: new Uint8Array(32),
      claimId: claimIdOf(new Uint8Array(32).fill(id)),
      version: 3,
      locktime: 0,
    };
    if (kind === "commitment") {
      const commitment = zeroFeeCommitment(world);
      const output = { value: sat(0), script: p2a() };
      const anchor = { outPoint: { txid: txid(commitment), index: 1 }, output };
      this.most = capOf(stake, weight(commitment) + childWeight);
      this.#event = (packageTargetFeerate) => ({
        kind: "channel-close",
        ...subject,
        packageTargetFeerate,
        commitment,
        commitmentFee: sat(0),
        atStake: stake,
        anchor,
      });
    } else {
      const htlc = htlcOf(world, stake);
      this.most = capOf(stake, htlcWeight);
      this.#event = (targetFeerate) => ({
        kind: "htlc-resolution",
        ...subject,
        targetFeerate,
        htlcs: [htlc],
      });
    }
  }

  get id() {
    return this.event.claimId;
  }

  get event(): BumpTransactionEvent {
    return this.#event(this.feerate);
  }

  raise(): void {
    const more = maxOf(feeratePerKw((this.feerate * 5n) / 4n), plus(this.feerate, lowest));
    this.feerate = more > this.most ? this.feerate : more;
  }
}

function capOf(stake: Sat, weightUnits: number): FeeratePerKw {
  return feeratePerKw((stake * 500n) / BigInt(weightUnits));
}

/** A transaction in version 3 without a fee and with a pay-to-anchor output. */
function zeroFeeCommitment(world: World): Transaction {
  const value = sat(50_000);
  const outPoint = anyonesOutput(world, fundingScript, value);
  const outputs = [
    { value, script: world.faucet.script },
    { value: sat(0), script: p2a() },
  ];
  return { version: 3, locktime: 0, inputs: [{ ...inputOf(outPoint), witness: [fundingScript] }], outputs };
}

function htlcOf(world: World, value: Sat): HtlcDescriptor {
  return {
    stage: "success",
    outPoint: anyonesOutput(world, htlcScript, value),
    value,
    witnessScript: htlcScript,
    sequence: 0,
    output: { value, script: world.faucet.script },
    preimage: new Uint8Array(32),
    peerSignature: new Uint8Array(64).fill(1) as Signature,
    peerSighashType: 1,
    perCommitmentPoint: new Uint8Array(33) as Point,
  };
}

/** Confirmed. */
function anyonesOutput({ chain, faucet }: World, witnessScript: Uint8Array, value: Sat): OutPoint {
  const output = { value, script: p2wsh(witnessScript) };
  const funding = faucet.fund(chain, [output], lowest);
  chain.mine(1, { transactions: [funding] });
  return { txid: txid(funding), index: funding.outputs.indexOf(output) };
}

/** A node with these claims; everything that it broadcasts is judged by the mempool's rules. */
class Run {
  readonly world: World;
  readonly claims: readonly Claim[];
  readonly broadcaster: ChainBroadcaster;
  readonly dice: Dice;
  readonly confirmed = new Set<Claim>();
  /** By claim, what was broadcast last. */
  readonly latest = new Map<Claim, Transaction>();
  takings = 0;
  /** What was sent is forgotten then, and the next raise may be too small for a replacement. */
  #isRestarted = false;
  #bumper = this.#newBumper();

  constructor(coins: readonly number[], terms: readonly { kind: Kind; stake: Sat }[], seed: number) {
    this.world = new World({ coins: 40 });
    this.dice = new Dice(seed);
    this.claims = terms.map((one, index) => new Claim(this.world, index + 1, one));
    coins.forEach((value, index) => {
      this.world.give(value, index % 2);
    });
    this.world.mine();
    this.broadcaster = new ChainBroadcaster(this.world.chain);
  }

  restart(): void {
    this.world.save();
    this.world.restart();
    this.#isRestarted = true;
    this.#bumper = this.#newBumper();
  }

  /** All claims ask, in any order, and a block comes of what pays enough. */
  block(satPerVbyte: number): void {
    const { world, dice } = this;
    const order = this.claims.filter((claim) => !this.confirmed.has(claim));
    dice.shuffle(order);
    for (const claim of order) this.#ask(claim);
    world.chain.mine(1, { minFeerate: 1_000n * BigInt(satPerVbyte) });
    world.sync();
    for (const claim of order) {
      const last = this.latest.get(claim);
      if (last !== undefined && this.#isDone(claim)) this.confirmed.add(claim);
      else claim.raise();
    }
    const open = this.claims.filter((claim) => !this.confirmed.has(claim));
    this.#bumper.retain(open.map(({ id }) => id));
  }

  #ask(claim: Claim): void {
    const { wallet } = this.world;
    const before = new Map(wallet.locks().map((lock) => [lock.id, lock]));
    for (const { transactions, refusal } of this.#bumper.answer(claim.event)) {
      const last = present(transactions.at(-1), "a transaction");
      this.broadcaster.broadcastTransactions(transactions, "claim");
      const refused = this.broadcaster.takeRefused();
      // One that waits sends again what it sent, and nobody takes it.
      if (refusal === undefined && !this.#isRestarted) assert.deepEqual(refused, []);
      if (refused.length > 0) continue;
      this.latest.set(claim, last);
      this.world.wallet.transactionSeen(last);
    }
    for (const { id, lent = [], bid } of wallet.locks()) {
      const earlier = before.get(id);
      if (lent.length <= (earlier?.lent?.length ?? 0)) continue;
      this.takings++;
      const taker = present(
        wallet.locks().find((lock) => lock.id === `claim/${claim.id}`),
        "the taker's lock",
      );
      assert.ok(present(taker.bid, "a bid").fee > present(bid, "a bid").fee);
    }
    this.world.save();
  }

  #isDone({ event }: Claim): boolean {
    const outPoint = event.kind === "channel-close" ? event.anchor.outPoint : event.htlcs[0]?.outPoint;
    return this.world.chain.outputSpentBy(present(outPoint, "an output"))?.block !== undefined;
  }

  #newBumper(): Bumper {
    return new Bumper({
      wallet: {
        selectConfirmedUtxos: (request) => this.world.wallet.selectConfirmedUtxos(request),
        signPsbt: (psbt) => this.world.wallet.signPsbt(psbt),
        retainClaims: (claimIds) => this.world.wallet.retainClaims(claimIds),
      },
      signerProvider: {
        deriveChannelSigner: () => ({ signSpend: () => new Uint8Array(64).fill(1) as Signature }),
      },
      logger: { log: () => undefined },
    });
  }
}

test("of claims that want the same coins the worthiest goes first, and the others are served by its change", () => {
  let takings = 0;
  const kind = fc.constantFrom<Kind>("commitment", "htlc");
  const runs = fc.record({
    coins: fc.array(fc.integer({ min: 60_000, max: 90_000 }), { minLength: 1, maxLength: 3 }),
    poor: fc.array(fc.record({ kind, stake: fc.integer({ min: 3_000, max: 6_000 }) }), {
      minLength: 1,
      maxLength: 4,
    }),
    rich: kind,
    delay: fc.integer({ min: 0, max: 12 }),
    seed: fc.integer(),
    restarts: fc.boolean(),
  });
  fc.assert(
    fc.property(runs, ({ coins, poor, rich, delay, seed, restarts }) => {
      const stake = sat(80_000);
      const terms = [...poor.map((one) => ({ ...one, stake: sat(one.stake) })), { kind: rich, stake }];
      const run = new Run(coins, terms, seed);
      const worthiest = present(run.claims.at(-1), "the worthiest");
      const before = run.world.total();
      const most = run.claims.slice(0, -1).reduce((max, claim) => (claim.most > max ? claim.most : max), 0n);
      const market = Number(most / 250n) + 2;
      // The others have the coins before it comes.
      run.confirmed.add(worthiest);
      for (let i = 0; i < delay; i++) run.block(market);
      run.confirmed.delete(worthiest);
      worthiest.feerate = feeratePerKw(BigInt(market) * 250n);
      for (let i = 0; i < 8 && !run.confirmed.has(worthiest); i++) {
        if (restarts) run.restart();
        run.block(market);
      }
      assert.ok(run.confirmed.has(worthiest), "the worthiest is confirmed");
      for (let i = 0; i < 60 && run.confirmed.size < run.claims.length; i++) run.block(1);
      assert.equal(run.confirmed.size, run.claims.length, "all are confirmed");
      const { wallet, chain } = run.world;
      const fees = [...run.latest.values()].map((each) => present(chain.feeOf(txid(each)), "its fee"));
      assert.equal(run.world.total(), before - fees.reduce((sum, fee) => sum + fee, 0n));
      assert.deepEqual(wallet.locks(), []);
      assert.equal(wallet.balance().confirmed, run.world.total());
      takings += run.takings;
    }),
    { numRuns: 30, seed: 1 },
  );
  assert.ok(takings > 20, `${takings}`);
});
