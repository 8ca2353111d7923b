import assert from "node:assert/strict";
import { test } from "node:test";
import type { OutPoint, Txid } from "@fulmen/bitcoin/primitives";
import type { Event } from "@fulmen/lightning/handlers";
import { msat, type PaymentHash, type PaymentId, sat } from "@fulmen/lightning/util";
import { type ChannelView, earningsProblems, type LedgerInput, ledgerOf } from "#src/ledger";
import { ledgerText, msatText, satText, short } from "#src/text";

const outPoint = (digit: string, index = 0): OutPoint => ({ txid: digit.repeat(64) as Txid, index });
const aliceScript = Uint8Array.of(0xa1);
const bobScript = Uint8Array.of(0xb0);
const fundingScript = Uint8Array.of(0xf0);
const coin = (at: OutPoint, value: number, script: Uint8Array) => ({
  outPoint: at,
  output: { value: sat(value), script },
  confirmed: true,
});
const view = (owner: string, local: number, remote: number): ChannelView => ({
  owner,
  channelId: "cc".repeat(32),
  funding: outPoint("2"),
  capacity: sat(600),
  isOpener: owner === "alice",
  local: msat(local),
  remote: msat(remote),
});

/** Alice was given 1,000, paid 10 to fund 600, and 150.5 to Bob. */
const input: LedgerInput = {
  accounts: {
    minted: [{ script: aliceScript, value: sat(1_000) }],
    unspent: [coin(outPoint("2"), 600, fundingScript), coin(outPoint("2", 1), 390, aliceScript)],
    fees: [
      {
        txid: outPoint("2").txid,
        fee: sat(10),
        inputs: [coin(outPoint("1"), 1_000, aliceScript)],
        outputs: [],
      },
    ],
  },
  owners: [
    { name: "alice", scripts: [aliceScript] },
    { name: "bob", scripts: [bobScript] },
  ],
  channels: [view("alice", 449_500, 150_500), view("bob", 150_500, 449_500)],
};

test("an open channel, a coin and a fee account for what was given", () => {
  const ledger = ledgerOf(input);
  assert.deepEqual(ledger.problems, []);
  assert.deepEqual(ledger.rows, [
    { owner: "alice", minted: 1_000n, fees: 10n, inChannels: 449_500n, onChain: 390n, earned: -150_500n },
    { owner: "bob", minted: 0n, fees: 0n, inChannels: 150_500n, onChain: 0n, earned: 150_500n },
  ]);
  assert.equal(ledger.inFlight, 0n);
  assert.equal(ledger.found, 1_000_000n);
});

test("what is in flight is nobody's, and no problem", () => {
  const ledger = ledgerOf({
    ...input,
    channels: [view("alice", 400_000, 150_500), view("bob", 150_500, 400_000)],
  });
  assert.deepEqual(ledger.problems, []);
  assert.equal(ledger.inFlight, 49_500n);
  assert.match(ledgerText(ledger).join("\n"), /49\.500 sat are in flight/);
});

test("a closing transaction's fee is the opener's", () => {
  const closing = {
    txid: outPoint("3").txid,
    fee: sat(5),
    inputs: [coin(outPoint("2"), 600, fundingScript)],
    outputs: [],
  };
  const unspent = [
    coin(outPoint("2", 1), 390, aliceScript),
    coin(outPoint("3"), 445, aliceScript),
    coin(outPoint("3", 1), 150, bobScript),
  ];
  const ledger = ledgerOf({
    ...input,
    accounts: { ...input.accounts, unspent, fees: [...input.accounts.fees, closing] },
  });
  assert.deepEqual(ledger.problems, []);
  assert.deepEqual(
    ledger.rows.map(({ owner, fees, earned, inChannels }) => [owner, fees, earned, inChannels]),
    [
      ["alice", 15n, -150_000n, 0n],
      ["bob", 0n, 150_000n, 0n],
    ],
  );
});

test("a forced close: whose coins pay, an anchor that is left, one that the peer takes, and a forfeit", () => {
  const funding = { outPoint: outPoint("2"), capacity: sat(2_000) };
  const taken = { value: sat(330), script: Uint8Array.of(0xa2) };
  const left = { value: sat(330), script: Uint8Array.of(0xa3) };
  const balance = { value: sat(1_300), script: aliceScript };
  const ledger = ledgerOf({
    owners: input.owners,
    channels: [{ ...view("alice", 0, 0), funding: funding.outPoint, capacity: funding.capacity }],
    accounts: {
      minted: [
        { script: aliceScript, value: sat(2_000) },
        { script: bobScript, value: sat(500) },
      ],
      fees: [
        {
          txid: outPoint("3").txid,
          fee: sat(40),
          inputs: [coin(funding.outPoint, 2_000, fundingScript)],
          outputs: [balance, taken, left],
        },
        {
          txid: outPoint("4").txid,
          fee: sat(400),
          inputs: [coin(outPoint("3", 1), 330, taken.script), coin(outPoint("5"), 500, bobScript)],
          outputs: [{ value: sat(430), script: bobScript }],
        },
      ],
      unspent: [
        coin(outPoint("3"), 1_300, aliceScript),
        coin(outPoint("3", 2), 330, left.script),
        coin(outPoint("4"), 430, bobScript),
      ],
    },
  });
  assert.deepEqual(ledger.problems, []);
  assert.deepEqual(ledger.anchorsTaken, [{ from: "alice", to: "bob", amount: 330n }]);
  assert.deepEqual(
    ledger.rows.map(({ owner, fees, earned }) => [owner, fees, earned]),
    [
      ["alice", 370n, -330_000n],
      ["bob", 400n, 330_000n],
    ],
  );
  assert.deepEqual(earningsProblems(ledger, new Map()), []);
  const forfeit = { from: "bob", to: "alice", amount: sat(5) };
  assert.equal(earningsProblems(ledger, new Map(), [forfeit]).length, 2);
});

test("a satoshi that is missing, a stranger's coin and peers that disagree are told", () => {
  const { accounts } = input;
  const [channel, change] = accounts.unspent;
  assert.ok(channel && change);
  const less = { ...change, output: { ...change.output, value: sat(389) } };
  const missing = ledgerOf({ ...input, accounts: { ...accounts, unspent: [channel, less] } });
  assert.match(missing.problems.join("; "), /the faucet gave 1000 sat, coins, channels and fees are 999 sat/);

  const foreign = { ...change, output: { ...change.output, script: Uint8Array.of(0x66) } };
  const stranger = ledgerOf({ ...input, accounts: { ...accounts, unspent: [channel, foreign] } });
  assert.match(stranger.problems.join("; "), /390 sat at 2+:1 belong to nobody we know/);

  const disagree = ledgerOf({
    ...input,
    channels: [view("alice", 449_500, 150_500), view("bob", 160_500, 439_500)],
  });
  assert.match(disagree.problems.join("; "), /alice has 449500 msat .* 439500 msat by bob's/);

  const tooMuch = ledgerOf({ ...input, channels: [view("alice", 449_500, 150_501)] });
  assert.match(
    tooMuch.problems.join("; "),
    /alice counts 449500 \+ 150501 msat in channel cccccccc of 600 sat/,
  );

  const unpaid = accounts.fees.map((fee) => ({ ...fee, inputs: [foreign] }));
  const payer = ledgerOf({ ...input, accounts: { ...accounts, fees: unpaid } });
  assert.match(payer.problems.join("; "), /nobody we know paid the fee of 2+/);
});

test("what events say was earned must be what the ledger finds", () => {
  const paymentHash = "ab".repeat(32) as PaymentHash;
  const sent: Event = {
    kind: "payment-sent",
    paymentId: paymentHash as string as PaymentId,
    paymentHash,
    preimage: new Uint8Array(32),
    amount: msat(150_000),
    feePaid: msat(500),
  };
  const claimed: Event = {
    kind: "payment-claimed",
    paymentHash,
    amount: msat(150_500),
    purpose: { kind: "spontaneous", paymentPreimage: new Uint8Array(32) },
  };
  const ledger = ledgerOf(input);
  const events = new Map<string, readonly Event[]>([
    ["alice", [sent]],
    ["bob", [claimed]],
  ]);
  assert.deepEqual(earningsProblems(ledger, events), []);
  assert.deepEqual(earningsProblems(ledger, new Map([["alice", [sent]]])), [
    "bob has earned 150500 msat, its events say 0",
  ]);
});

test("amounts are written in groups, thousandths only where there are some", () => {
  assert.equal(satText(1_234_567n), "1,234,567 sat");
  assert.equal(satText(-1_234n), "-1,234 sat");
  assert.equal(msatText(1_234_567_000n), "1,234,567 sat");
  assert.equal(msatText(1_001n), "1.001 sat");
  assert.equal(msatText(-500n), "-0.500 sat");
  assert.equal(short("abcdef", 3), "abc…");
  assert.equal(short("abc", 3), "abc");
});
