import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { p2a, p2wpkh, p2wsh } from "@fulmen/bitcoin/script";
import { strippedSize, type Transaction, type TxOut, txid, weight } from "@fulmen/bitcoin/transaction";
import {
  type ClaimId,
  type CoinSelection,
  type CoinSelectionRequest,
  claimIdOf,
  type Utxo,
} from "#src/chain/coinSelection";
import { bumpDraft, coinSelectionRequest, replacementFee } from "#src/onchain/bumpDraft";
import { type BumpOutcome, type BumpStep, bumpSteps } from "#src/onchain/bumpSteps";
import type { BumpTransactionEvent, HtlcDescriptor, HtlcResolutionEvent } from "#src/onchain/bumpTransaction";
import type { Point, Signature } from "#src/util/bytes";
import type { ChannelId, NodeId, Txid } from "#src/util/ids";
import { err, ok } from "#src/util/result";
import { feeratePerKw, type Sat, sat } from "#src/util/units";

const script = p2wpkh(new Uint8Array(20).fill(1));
const txidOf = (n: number): Txid => n.toString(16).padStart(64, "0") as Txid;
const signature = new Uint8Array(64).fill(0x7f) as Signature;
const signer = { signSpend: () => signature };

const subject = {
  channelId: "11".repeat(32) as ChannelId,
  counterparty: `02${"22".repeat(32)}` as NodeId,
  channelKeysId: new Uint8Array(32),
  claimId: claimIdOf(new Uint8Array(32).fill(7)),
};

function commitmentOf(anchor: TxOut, version: number): Transaction {
  const outPoint = { txid: txidOf(1), index: 0 };
  const witness = [new Uint8Array(220)];
  return {
    version,
    locktime: 0,
    inputs: [{ outPoint, scriptSig: new Uint8Array(0), sequence: 0, witness }],
    outputs: [{ value: sat(10_000n), script }, anchor],
  };
}

function closing(format: "anchors" | "zero-fee", feerate: number, fee = 0n): BumpTransactionEvent {
  const version = format === "anchors" ? 2 : 3;
  const witnessScript = new Uint8Array(40).fill(0x51);
  const output =
    format === "anchors"
      ? { value: sat(330n), script: p2wsh(witnessScript) }
      : { value: sat(0n), script: p2a() };
  const commitment = commitmentOf(output, version);
  return {
    kind: "channel-close",
    ...subject,
    version,
    locktime: 700,
    packageTargetFeerate: feeratePerKw(feerate),
    commitment,
    commitmentFee: sat(fee),
    atStake: sat(5_000n),
    anchor: {
      outPoint: { txid: txid(commitment), index: 1 },
      output,
      ...(format === "anchors" && { witnessScript }),
    },
  };
}

function resolution(count: number, version: number): HtlcResolutionEvent {
  const htlcs = Array.from({ length: count }, (_, index): HtlcDescriptor => {
    const value = sat(5_000n + BigInt(index));
    return {
      stage: "timeout",
      outPoint: { txid: txidOf(2), index },
      value,
      witnessScript: new Uint8Array(133).fill(0x52),
      sequence: version === 3 ? 0 : 1,
      output: { value, script: p2wsh(Uint8Array.of(index)) },
      peerSignature: signature,
      peerSighashType: 0x83,
      perCommitmentPoint: new Uint8Array(33) as Point,
    };
  });
  return {
    kind: "htlc-resolution",
    ...subject,
    version,
    locktime: 800,
    targetFeerate: feeratePerKw(1000),
    htlcs,
  };
}

function coin(n: number, value: bigint): Utxo {
  const outPoint = { txid: txidOf(0xc0 + n), index: 0 };
  const output = { value: sat(value), script };
  return { outPoint, output, satisfactionWeight: 4 + 108, sequence: 0xffff_fffd };
}

/** Walks to the end with a wallet that gives `coins` whatever is asked, and pays `fee` of them. */
function answer(
  first: BumpStep,
  coins: readonly Utxo[],
  fee: (request: CoinSelectionRequest) => bigint,
): BumpOutcome {
  let step = first;
  let draft: Transaction | undefined;
  let request: CoinSelectionRequest | undefined;
  for (;;) {
    if (step.kind === "select") {
      request = step.request;
      const given = coins.reduce((sum, { output }) => sum + output.value, 0n);
      const value = (given - fee(request)) as Sat;
      const selection: CoinSelection = { confirmedUtxos: coins, changeOutput: { value, script } };
      draft = bumpDraft(eventOf(request), selection).transaction;
      step = step.answered(ok(selection));
    } else if (step.kind === "sign") {
      assert.ok(draft !== undefined && request !== undefined);
      const mine = request.mustSpend.length;
      const witness = [new Uint8Array(72), new Uint8Array(33)];
      const inputs = draft.inputs.map((input, i) => (i < mine ? input : { ...input, witness }));
      step = step.answered(ok({ ...draft, inputs }));
    } else {
      return step;
    }
  }
}

let current: BumpTransactionEvent;
const eventOf = ({ claimId }: CoinSelectionRequest): BumpTransactionEvent => ({ ...current, claimId });

function steps(event: BumpTransactionEvent, context: Parameters<typeof bumpSteps>[1]): BumpStep {
  current = event;
  return bumpSteps(event, context);
}

describe("what a wallet is asked for", () => {
  it("is a child that pays for its commitment as well", () => {
    const event = closing("zero-fee", 2_000);
    assert.ok(event.kind === "channel-close");
    assert.deepEqual(coinSelectionRequest(event, sat(9n)), {
      claimId: subject.claimId,
      mustSpend: [
        {
          outPoint: event.anchor.outPoint,
          previousUtxo: { value: 0n, script: p2a() },
          satisfactionWeight: 5,
        },
      ],
      mustPayTo: [],
      targetFeerate: 2_000n,
      atStake: 5_000n,
      maxTransactionWeight: 4_000,
      parent: { weight: weight(event.commitment), fee: 0n },
      minimumFee: 9n,
    });
    const anchors = coinSelectionRequest(closing("anchors", 2_000, 300n));
    assert.equal(anchors.maxTransactionWeight, 400_000);
    assert.equal(anchors.parent?.fee, 300n);
    // An empty script; a count, a signature and a script of 40 bytes with their lengths.
    assert.equal(anchors.mustSpend[0]?.satisfactionWeight, 4 + 1 + 73 + 41);
  });

  it("is a transaction with all HTLCs and their outputs", () => {
    const event = resolution(3, 2);
    const request = coinSelectionRequest(event);
    assert.deepEqual(
      request.mustSpend.map(({ outPoint }) => outPoint),
      event.htlcs.map(({ outPoint }) => outPoint),
    );
    assert.deepEqual(
      request.mustPayTo,
      event.htlcs.map(({ output }) => output),
    );
    assert.deepEqual([request.parent, request.minimumFee], [undefined, undefined]);
    assert.deepEqual(
      [2, 3].map((version) => coinSelectionRequest(resolution(1, version)).maxTransactionWeight),
      [400_000, 40_000],
    );
  });
});

describe("the transaction", () => {
  it("has each HTLC beside its output, then coins and change, and weighs at most what was said", () => {
    const event = resolution(3, 3);
    const outcome = answer(steps(event, { signer }), [coin(1, 20_000n), coin(2, 30_000n)], () => 1_000n);
    assert.ok(outcome.kind === "broadcast");
    assert.equal(outcome.type, "claim");
    const [transaction, ...others] = outcome.transactions;
    assert.ok(transaction !== undefined && others.length === 0);
    assert.deepEqual([transaction.version, transaction.locktime], [3, 800]);
    for (const [i, { outPoint, output }] of event.htlcs.entries()) {
      assert.deepEqual(transaction.inputs[i]?.outPoint, outPoint);
      assert.deepEqual(transaction.outputs[i], output);
      // Nothing, the peer's signature for its one input and output, ours for all, no preimage, the script (BOLT 3).
      const witness: readonly Uint8Array[] = transaction.inputs[i]?.witness ?? [];
      const [first, peer, ours, path, last] = witness;
      assert.deepEqual([first?.length, peer?.at(-1), ours?.at(-1), path?.length], [0, 0x83, 0x01, 0]);
      assert.deepEqual(last, event.htlcs[i]?.witnessScript);
    }
    assert.deepEqual([transaction.inputs.length, transaction.outputs.length], [5, 4]);
    assert.equal(outcome.sent.fee, 1_000n);
    const changeOutput = { value: sat(49_000n), script };
    const confirmedUtxos = [coin(1, 20_000n), coin(2, 30_000n)];
    const draft = bumpDraft(event, { confirmedUtxos, changeOutput });
    assert.equal(draft.fee, 1_000n);
    assert.ok(weight(transaction) <= draft.weight && weight(transaction) > draft.weight - 20);
  });

  it("has an output in any case, and is long enough to be relayed", () => {
    const { transaction: alone } = bumpDraft(closing("anchors", 253), { confirmedUtxos: [] });
    const confirmedUtxos = [coin(1, 1_000n)];
    const { transaction: pair } = bumpDraft(closing("zero-fee", 253), { confirmedUtxos });
    for (const { outputs } of [alone, pair]) {
      assert.deepEqual([outputs.length, outputs[0]?.value, outputs[0]?.script[0]], [1, 0n, 0x6a]);
    }
    assert.deepEqual([strippedSize(alone) >= 65, pair.outputs[0]?.script.length], [true, 1]);
  });

  it("is not made for a commitment that pays enough itself", () => {
    const event = closing("anchors", 253, 100_000n);
    assert.deepEqual(steps(event, { signer }), { kind: "needless" });
    assert.equal(steps(closing("zero-fee", 0), { signer }).kind, "select");
  });
});

describe("many HTLCs", () => {
  it("are taken by two transactions when one would be too large, whose claim ids stay while HTLCs go", () => {
    const event = resolution(100, 3);
    const outcome = steps(event, { signer });
    assert.ok(outcome.kind === "split");
    const [first, second] = outcome.parts;
    // What is worth most comes first.
    assert.deepEqual([...first.htlcs, ...second.htlcs], event.htlcs.toReversed());
    assert.equal(first.claimId, event.claimId);
    assert.notEqual(second.claimId, event.claimId);
    assert.deepEqual([first.htlcs.length, steps(second, { signer }).kind], [64, "select"]);
    const fewer = steps({ ...event, htlcs: event.htlcs.slice(1) }, { signer });
    assert.ok(fewer.kind === "split");
    assert.equal(fewer.parts[1].claimId, second.claimId);
    assert.equal(steps(resolution(100, 2), { signer }).kind, "select");
  });

  it("are split further when the wallet's coins are too heavy, each part with a claim id of its own", () => {
    const ids = new Set<ClaimId>();
    const visit = (event: BumpTransactionEvent): number => {
      const first = steps(event, { signer });
      const outcome =
        first.kind === "select"
          ? first.answered(err({ kind: "too-heavy", weight: 50_000, most: 40_000 }))
          : first;
      if (outcome.kind === "split") return visit(outcome.parts[0]) + visit(outcome.parts[1]);
      assert.equal(outcome.kind, "refused");
      ids.add(event.claimId);
      return 1;
    };
    assert.equal(visit(resolution(100, 3)), 100);
    assert.equal(ids.size, 100);
  });
});

describe("a replacement", () => {
  const coins = [coin(1, 50_000n)];

  it("is the same transaction when nothing has changed", () => {
    const event = closing("zero-fee", 1_000);
    const first = answer(steps(event, { signer }), coins, () => 1_500n);
    assert.ok(first.kind === "broadcast");
    const again = answer(steps(event, { signer, sent: first.sent }), coins, () => 1_500n);
    assert.ok(again.kind === "broadcast");
    assert.equal(again.sent, first.sent);
  });

  it("asks for what BIP 125 asks, or leaves what was sent, with the numbers", () => {
    const event = closing("zero-fee", 1_000);
    const first = answer(steps(event, { signer }), coins, () => 1_500n);
    assert.ok(first.kind === "broadcast");
    const raised = answer(
      steps(event, { signer, sent: first.sent }),
      coins,
      ({ minimumFee = 1_501n }) => minimumFee,
    );
    assert.ok(raised.kind === "broadcast");
    const vbytes = BigInt(Math.ceil(weight(first.sent.transaction) / 4));
    assert.ok(raised.sent.fee >= 1_500n + vbytes && raised.sent.fee <= 1_500n + vbytes + 3n);
    const stingy = answer(steps(event, { signer, sent: first.sent }), coins, () => 1_501n);
    assert.ok(stingy.kind === "broadcast" && stingy.refusal?.kind === "too-little-given");
    assert.deepEqual([stingy.sent, stingy.refusal.fee], [first.sent, 1_501n]);
  });

  it("is not made where what was sent already pays more than the feerate asks for", () => {
    const event = closing("zero-fee", 1_000);
    const first = answer(steps(event, { signer }), coins, () => 1_500n);
    assert.ok(first.kind === "broadcast");
    const ask = ({ minimumFee = sat(1_400n) }: CoinSelectionRequest) => minimumFee;
    const again = answer(steps(event, { signer, sent: first.sent }), coins, ask);
    assert.ok(again.kind === "broadcast");
    assert.equal(again.sent, first.sent);
    assert.equal(again.refusal, undefined);
  });

  it("outbids nothing whose coins are gone, when it cannot", () => {
    const event = closing("zero-fee", 1_000);
    const first = answer(steps(event, { signer }), coins, () => 20_000n);
    assert.ok(first.kind === "broadcast");
    const select = steps(event, { signer, sent: first.sent });
    assert.ok(select.kind === "select");
    const left: CoinSelection = {
      confirmedUtxos: [coin(2, 9_000n)],
      changeOutput: { value: sat(7_500n), script },
    };
    const more = select.answered(ok(left));
    assert.ok(more.kind === "select" && more.request.minimumFee !== undefined);
    const numbers = { needed: sat(20_000n), available: sat(9_000n), reserved: sat(0n) };
    const sign = more.answered(err({ kind: "insufficient-funds", ...numbers }));
    assert.ok(sign.kind === "sign");
    const outcome = sign.answered(ok(bumpDraft(event, left).transaction));
    assert.ok(outcome.kind === "broadcast");
    assert.equal(outcome.sent.fee, 1_500n);
  });

  it("has a higher feerate of its own, also when it is the heavier child of a heavy parent", () => {
    const event = closing("zero-fee", 1_000);
    const first = answer(steps(event, { signer }), coins, () => 30_000n);
    assert.ok(first.kind === "broadcast");
    const twice = 2 * weight(first.sent.transaction);
    assert.ok(replacementFee(first.sent, twice) > 60_000n);
  });

  it("need not outbid a transaction of which somebody took an HTLC", () => {
    const event = resolution(2, 2);
    const first = answer(steps(event, { signer }), coins, () => 5_000n);
    assert.ok(first.kind === "broadcast");
    const rest = { ...event, htlcs: event.htlcs.slice(1) };
    const second = answer(steps(rest, { signer, sent: first.sent }), coins, () => 800n);
    assert.ok(second.kind === "broadcast");
    assert.equal(second.sent.fee, 800n);
  });
});

describe("a wallet that is too poor", () => {
  const poor = { kind: "insufficient-funds", needed: sat(80_000n), reserved: sat(0n) } as const;

  it("is asked for the feerate that it can pay", () => {
    const event = closing("zero-fee", 10_000);
    const first = steps(event, { signer });
    assert.ok(first.kind === "select");
    const second = first.answered(err({ ...poor, available: sat(9_000n) }));
    assert.ok(second.kind === "select");
    // 8,000 of 80,000 sat, when 1,000 are left for change; and an eighth less.
    assert.equal(second.request.targetFeerate, 875n);
    const outcome = answer(second, [coin(1, 9_000n)], () => 2_000n);
    assert.ok(outcome.kind === "broadcast");
    assert.deepEqual(outcome.refusal, { ...poor, available: 9_000n });
    assert.equal(outcome.transactions.length, 2);
  });

  it("is asked for half where it does not count its coins, and not for less than nodes relay", () => {
    const asked: bigint[] = [];
    let step = steps(closing("zero-fee", 10_000), { signer });
    while (step.kind === "select") {
      asked.push(step.request.targetFeerate);
      step = step.answered(err({ ...poor, available: sat(asked.length) }));
    }
    assert.deepEqual(asked, [10_000n, 5_000n, 2_500n, 1_250n, 625n, 312n]);
    assert.deepEqual(step, { kind: "refused", refusal: { ...poor, available: 1n } });
  });
});

describe("a wallet or signer that does not do its part", () => {
  const event = resolution(1, 2);

  it("leads to a refusal that says so", () => {
    const short = answer(steps(event, { signer }), [coin(1, 500n)], () => -1n);
    assert.deepEqual(short, {
      kind: "refused",
      refusal: { kind: "too-little-given", fee: -1n, needed: 0n },
    });
    const unsigned = answer(
      steps(event, { signer: { signSpend: () => undefined } }),
      [coin(1, 900n)],
      () => 9n,
    );
    assert.deepEqual(unsigned, { kind: "refused", refusal: { kind: "unsigned" } });
    const select = steps(event, { signer });
    assert.ok(select.kind === "select");
    const sign = select.answered(ok({ confirmedUtxos: [coin(1, 900n)] }));
    assert.ok(sign.kind === "sign");
    const other = sign.answered(ok(commitmentOf({ value: sat(1n), script }, 2)));
    assert.deepEqual(other, { kind: "refused", refusal: { kind: "wrong-transaction" } });
    assert.deepEqual(sign.answered(err({ kind: "watch-only" })), {
      kind: "refused",
      refusal: { kind: "watch-only" },
    });
  });

  it("leads to no transaction that is too heavy, whatever witness a coin has", () => {
    const closed = closing("zero-fee", 1_000);
    const select = steps(closed, { signer });
    assert.ok(select.kind === "select");
    const selection = { confirmedUtxos: [coin(1, 9_000n)], changeOutput: { value: sat(8_000n), script } };
    const sign = select.answered(ok(selection));
    assert.ok(sign.kind === "sign");
    const { transaction } = bumpDraft(closed, selection);
    const inputs = transaction.inputs.map((input) => ({ ...input, witness: [new Uint8Array(4_000)] }));
    const outcome = sign.answered(ok({ ...transaction, inputs }));
    assert.ok(outcome.kind === "refused" && outcome.refusal.kind === "too-heavy");
    assert.equal(outcome.refusal.most, 4_000);
  });
});
