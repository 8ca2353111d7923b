import assert from "node:assert/strict";
import { test } from "node:test";
import { op, p2a, p2pkh, p2sh, p2tr, p2wpkh, p2wsh, script } from "@fulmen/bitcoin/script";
import { type TxOut, vsize } from "@fulmen/bitcoin/transaction";
import { installNodeCrypto } from "@fulmen/crypto-node";
import { feeratePerKw } from "@fulmen/lightning/util";
import { accept, coinOf, onBoth, outputOf, pay, spendAll, verdict, verdicts } from "./bothChains.ts";

installNodeCrypto();

const low = feeratePerKw(253);

test("dust ends where Bitcoin Core has it, for every kind of output", async (t) => {
  const hash = new Uint8Array(20).fill(7);
  const limits: readonly (readonly [string, Uint8Array, bigint])[] = [
    ["p2pkh", p2pkh(hash), 546n],
    ["p2sh", p2sh(hash), 540n],
    ["p2wpkh", p2wpkh(hash), 294n],
    ["p2wsh", p2wsh(script(op._1)), 330n],
    ["p2tr", p2tr(new Uint8Array(32).fill(2)), 330n],
    ["p2a", p2a(), 240n],
    ["future witness", script(op._16, new Uint8Array(32)), 330n],
  ];
  const outcome = await onBoth(t, (chain, faucet) =>
    limits.map(([name, to, limit]) => {
      const below = faucet.fund(chain, [pay(limit - 1n, to)], low);
      const refused = verdict(chain.submit(below));
      faucet.release(below);
      return `${name}: ${refused}, ${verdict(chain.submit(faucet.fund(chain, [pay(limit, to)], low)))}`;
    }),
  );
  assert.deepEqual(
    outcome,
    limits.map(([name]) => `${name}: dust, taken`),
  );
});

test("the relay feerate is met to the satoshi", async (t) => {
  const outcome = await onBoth(t, (chain, faucet) => {
    const spent = [coinOf(chain, faucet)];
    const need = BigInt(vsize(spendAll(faucet, spent, { fee: 0n })));
    return verdicts(chain, {
      below: spendAll(faucet, spent, { fee: need - 1n }),
      met: spendAll(faucet, spent, { fee: need }),
    });
  });
  assert.deepEqual(outcome, { below: "min-fee-not-met", met: "taken" });
});

test("what is not standard is refused", async (t) => {
  const data = (length: number): TxOut => pay(0n, script(op.RETURN, new Uint8Array(length)));
  const outcome = await onBoth(t, (chain, faucet) => {
    const spent = [coinOf(chain, faucet)];
    const give = (outputs: readonly TxOut[], version = 2) => faucet.spend(spent, outputs, { version });
    const key = new Uint8Array(33).fill(2);
    return verdicts(chain, {
      "version 0": give([pay(1000n)], 0),
      "version 4": give([pay(1000n)], 4),
      "unknown output": give([pay(1000n), pay(1000n, script(op._1, op.DROP))]),
      "bare multisig": give([pay(1000n, script(op._1, key, op._1, op.CHECKMULTISIG))]),
      "data of 84 bytes": give([data(81), pay(1000n)]),
      "data of 84 bytes in two": give([data(40), data(40), pay(1000n)]),
      "too large": give(new Array<TxOut>(3300).fill(pay(1000n))),
      "61 bytes": give([pay(1000n, script(op.RETURN))]),
      "no outputs": give([]),
      "more out than in": give([pay(5_000_000_001n)]),
      "data of 83 bytes": give([data(80), pay(1000n)]),
    });
  });
  assert.deepEqual(outcome, {
    "version 0": "non-standard: version",
    "version 4": "non-standard: version",
    "unknown output": "non-standard: output-script",
    "bare multisig": "non-standard: output-script",
    "data of 84 bytes": "non-standard: data-carrier-size",
    "data of 84 bytes in two": "non-standard: data-carrier-size",
    "too large": "non-standard: weight",
    "61 bytes": "non-standard: size-too-small",
    "no outputs": "malformed: no-outputs",
    "more out than in": "outputs-exceed-inputs",
    "data of 83 bytes": "taken",
  });
});

test("a replacement pays for all that it evicts, for its relay, and more per byte", async (t) => {
  const outcome = await onBoth(t, (chain, faucet) => {
    const spent = [coinOf(chain, faucet)];
    const size = BigInt(vsize(spendAll(faucet, spent, { fee: 0n })));
    const first = spendAll(faucet, spent, { fee: 1000n, script: faucet.script });
    const child = spendAll(faucet, [outputOf(first)], { fee: 2000n });
    const all = 3000n + size;
    // 40 outputs instead of one: a satoshi per byte is less than what it replaces pays.
    const wide = faucet.spend(spent, new Array<TxOut>(40).fill(pay(124_999_950n)));
    return {
      ...verdicts(chain, { first, child }),
      ...verdicts(chain, {
        "same fee": spendAll(faucet, spent, { fee: 1000n }),
        "more per byte": spendAll(faucet, spent, { fee: 1000n + size }),
        "more in all, less per byte": wide,
        "a satoshi less": spendAll(faucet, spent, { fee: all - 1n }),
        enough: spendAll(faucet, spent, { fee: all }),
        "what was replaced": child,
      }),
      left: chain.mempool.length,
    };
  });
  assert.deepEqual(outcome, {
    first: "taken",
    child: "taken",
    "same fee": "replacement-feerate-too-low",
    "more per byte": "replacement-fee-too-low",
    "more in all, less per byte": "replacement-feerate-too-low",
    "a satoshi less": "replacement-fee-too-low",
    enough: "taken",
    "what was replaced": "missing-inputs",
    left: 1,
  });
});

test("a replacement is measured against all that it evicts together", async (t) => {
  const outcome = await onBoth(t, (chain, faucet) => {
    const spent = [coinOf(chain, faucet)];
    const parent = spendAll(faucet, spent, { fee: 110n, script: faucet.script });
    const child = spendAll(faucet, [outputOf(parent)], { fee: 2200n });
    const large = (fee: bigint) => {
      const value = (5_000_000_000n - fee) / 14n;
      return faucet.spend(spent, new Array<TxOut>(14).fill(pay(value)));
    };
    return verdicts(chain, { parent, child, "less per byte": large(2900n), "more per byte": large(9000n) });
  });
  assert.deepEqual(outcome, {
    parent: "taken",
    child: "taken",
    "less per byte": "replacement-earns-less",
    "more per byte": "taken",
  });
});

test("all can be replaced, signalled or not", async (t) => {
  const outcome = await onBoth(t, (chain, faucet) => {
    const final = faucet.spend([coinOf(chain, faucet, 0, 0xffff_ffff)], [pay(4_999_999_000n)]);
    return verdicts(chain, { final, instead: spendAll(faucet, [coinOf(chain, faucet)], { fee: 9000n }) });
  });
  assert.deepEqual(outcome, { final: "taken", instead: "taken" });
});

test("a replacement does not spend what it replaces", async (t) => {
  const outcome = await onBoth(t, (chain, faucet) => {
    const coin = coinOf(chain, faucet);
    const first = spendAll(faucet, [coin], { fee: 1000n, script: faucet.script });
    accept(chain, first);
    return verdict(chain.submit(spendAll(faucet, [coin, outputOf(first)], { fee: 90_000n })));
  });
  assert.equal(outcome, "spends-conflict");
});

// Bitcoin Core up to version 30 has the rules that follow; with its mempool of clusters they are gone.

test("Bitcoin Core with clusters lets a replacement add unconfirmed inputs", async (t) => {
  const outcome = await onBoth(
    t,
    (chain, faucet) => {
      const [coin, other] = [coinOf(chain, faucet, 0), coinOf(chain, faucet, 1)];
      accept(chain, spendAll(faucet, [coin], { fee: 1000n }));
      const parent = spendAll(faucet, [other], { fee: 1000n, script: faucet.script });
      accept(chain, parent);
      return verdict(chain.submit(spendAll(faucet, [coin, outputOf(parent)], { fee: 9000n })));
    },
    ["replacement-adds-unconfirmed"],
  );
  assert.equal(outcome, "taken");
});

test("Bitcoin Core with clusters lets 64 transactions build on one another", async (t) => {
  const outcome = await onBoth(
    t,
    (chain, faucet) => {
      let last = spendAll(faucet, [coinOf(chain, faucet)], { fee: 1000n, script: faucet.script });
      let length = 0;
      while (chain.submit(last).ok) {
        length++;
        last = spendAll(faucet, [outputOf(last)], { fee: 1000n, script: faucet.script });
      }
      return length;
    },
    ["too-long-chain"],
  );
  assert.equal(outcome, 64);
});

test("Bitcoin Core with clusters lets a replacement evict more than 100 transactions", async (t) => {
  const outcome = await onBoth(
    t,
    (chain, faucet) => {
      const coins = [0, 1, 2, 3, 4].map((index) => coinOf(chain, faucet, index));
      for (const coin of coins) {
        const outputs = new Array<TxOut>(20).fill(pay(249_999_000n, faucet.script));
        const parent = faucet.spend([coin], outputs);
        accept(chain, parent);
        for (const index of outputs.keys()) {
          accept(chain, spendAll(faucet, [outputOf(parent, index)], { fee: 1000n }));
        }
      }
      const result = chain.submit(spendAll(faucet, coins, { fee: 900_000n }));
      return result.ok ? result.value.replaced.length : 0;
    },
    ["too-many-replacements"],
  );
  assert.equal(outcome, 105);
});
