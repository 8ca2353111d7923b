import assert from "node:assert/strict";
import { test } from "node:test";
import { op, p2wsh, script } from "@fulmen/bitcoin/script";
import type { Transaction } from "@fulmen/bitcoin/transaction";
import { installNodeCrypto } from "@fulmen/crypto-node";
import { feeratePerKw } from "@fulmen/lightning/util";
import { BlockRefusedError, inputOf, type TestChain } from "@fulmen/testkit";
import { accept, coinOf, onBoth, outputOf, pay, spendAll, verdict, verdicts } from "./bothChains.ts";

installNodeCrypto();

/** `mined`, or what a block with it is refused for. */
function mineVerdict(chain: TestChain, tx: Transaction): string {
  try {
    chain.mine(1, { transactions: [tx] });
    return "mined";
  } catch (error) {
    assert.ok(error instanceof BlockRefusedError, String(error));
    const { refusal } = error;
    return refusal.kind === "transaction" ? refusal.refusal.kind : refusal.kind;
  }
}

test("a lock time opens at its height, and at its time in the median of eleven blocks", async (t) => {
  const outcome = await onBoth(t, (chain, faucet) => {
    const locked = (index: number, locktime: number, sequence?: number) =>
      faucet.spend([coinOf(chain, faucet, index, sequence)], [pay(4_999_000_000n)], { locktime });
    const { height } = chain.tip;
    return {
      ...verdicts(chain, {
        "this height": locked(0, height),
        "next height": locked(1, height + 1),
        "next height, switched off": locked(2, height + 1, 0xffff_ffff),
        "past time": locked(3, chain.medianTime - 1),
        "median time": locked(4, chain.medianTime),
      }),
      "next height in a block": mineVerdict(chain, locked(1, height + 1)),
      "median time in a block": mineVerdict(chain, locked(4, chain.medianTime)),
      "past time in a block": mineVerdict(chain, locked(4, chain.medianTime - 1)),
    };
  });
  assert.deepEqual(outcome, {
    "this height": "taken",
    "next height": "non-final",
    "next height, switched off": "taken",
    "past time": "taken",
    "median time": "non-final",
    "next height in a block": "non-final",
    "median time in a block": "non-final",
    "past time in a block": "mined",
  });
});

test("a relative lock opens after its blocks, and after its time", async (t) => {
  const outcome = await onBoth(t, (chain, faucet) => {
    const parent = faucet.spend(
      [coinOf(chain, faucet)],
      [1, 2, 3, 4].map(() => pay(1_000_000n, faucet.script)),
    );
    accept(chain, parent);
    const spend = (index: number, sequence: number, version = 2) =>
      faucet.spend([outputOf(parent, index, sequence)], [pay(990_000n)], { version });
    const unconfirmed = verdicts(chain, {
      "one block, unconfirmed": spend(0, 1),
      "no blocks, unconfirmed": spend(1, 0),
    });
    chain.mine();
    const early = verdicts(chain, {
      "two blocks after one": spend(0, 2),
      "two units of time after one block": spend(2, 0x40_0002),
      "without version 2": spend(2, 0x40_0002, 1),
    });
    const inBlock = mineVerdict(chain, spend(0, 3));
    chain.mine();
    const later = verdicts(chain, { "two blocks after two": spend(0, 2) });
    let waited = 2;
    const timed = spend(3, 0x40_0003);
    for (; verdict(chain.submit(timed)) === "sequence-locked"; waited++) chain.mine();
    return { ...unconfirmed, ...early, inBlock, ...later, waited };
  });
  assert.deepEqual(outcome, {
    "one block, unconfirmed": "sequence-locked",
    "no blocks, unconfirmed": "taken",
    "two blocks after one": "sequence-locked",
    "two units of time after one block": "sequence-locked",
    "without version 2": "taken",
    inBlock: "sequence-locked",
    "two blocks after two": "taken",
    waited: 3,
  });
});

test("scripts' own locks are obeyed, and other scripts' failures refused", async (t) => {
  const outcome = await onBoth(t, (chain, faucet) => {
    const open = (
      witnessScript: Uint8Array,
      elements: readonly Uint8Array[],
      more: { sequence?: number; locktime?: number } = {},
    ) => {
      const funding = faucet.fund(chain, [pay(100_000n, p2wsh(witnessScript))], feeratePerKw(253));
      accept(chain, funding);
      const { input } = outputOf(funding, 0, more.sequence);
      return {
        version: 2,
        locktime: more.locktime ?? 0,
        inputs: [{ ...input, witness: [...elements, witnessScript] }],
        outputs: [pay(90_000n)],
      };
    };
    const { height } = chain.tip;
    const csv = script(op._2, op.CHECKSEQUENCEVERIFY);
    const cltv = script(BigInt(height), op.CHECKLOCKTIMEVERIFY);
    const spends = {
      "csv below": open(csv, [], { sequence: 1 }),
      csv: open(csv, [], { sequence: 2 }),
      "cltv below": open(cltv, [], { locktime: height - 1 }),
      cltv: open(cltv, [], { locktime: height }),
      "unclean stack": open(script(op._1), [Uint8Array.of(1)]),
      "if by more than one bit": open(script(op.IF, op._1, op.ELSE, op._0, op.ENDIF), [Uint8Array.of(2)]),
      "upgradable nop": open(script(op.NOP10, op._1), []),
      false: open(script(op._0), []),
      "80 bytes": open(script(op.DROP, op._1), [new Uint8Array(80)]),
      "81 bytes": open(script(op.DROP, op._1), [new Uint8Array(81)]),
    };
    chain.mine(2);
    return { ...verdicts(chain, spends), "csv in a block": mineVerdict(chain, spends["csv below"]) };
  });
  assert.deepEqual(outcome, {
    "csv below": "script",
    csv: "taken",
    "cltv below": "script",
    cltv: "taken",
    "unclean stack": "script",
    "if by more than one bit": "script",
    "upgradable nop": "script",
    false: "script",
    "80 bytes": "taken",
    "81 bytes": "non-standard: witness",
    "csv in a block": "script",
  });
});

test("coinbases mature, signatures fit, and inputs exist", async (t) => {
  const outcome = await onBoth(t, (chain, faucet) => {
    const coin = coinOf(chain, faucet);
    const good = spendAll(faucet, [coin], { fee: 1000n });
    const coinbaseAt = (height: number) => {
      const [coinbase] = chain.blockAt(height)?.block.transactions ?? [];
      assert.ok(coinbase);
      return coinbase;
    };
    const { height } = chain.tip;
    const gone = { txid: coin.input.outPoint.txid, index: 7 };
    return verdicts(chain, {
      "mature in the next block": spendAll(faucet, [outputOf(coinbaseAt(height - 99))], { fee: 1000n }),
      "a block too young": spendAll(faucet, [outputOf(coinbaseAt(height - 98))], { fee: 1000n }),
      "another output signed": { ...good, outputs: [pay(1_000n)] },
      "no such output": faucet.spend([{ ...coin, input: inputOf(gone) }], [pay(1000n)]),
      "a coinbase": coinbaseAt(height),
      good,
      "good again": good,
    });
  });
  assert.deepEqual(outcome, {
    "mature in the next block": "taken",
    "a block too young": "immature-coinbase",
    "another output signed": "script",
    "no such output": "missing-inputs",
    "a coinbase": "coinbase",
    good: "taken",
    "good again": "already-in-mempool",
  });
});
