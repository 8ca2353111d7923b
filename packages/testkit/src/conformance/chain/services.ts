import type { Sat } from "@fulmen/bitcoin/primitives";
import { p2a } from "@fulmen/bitcoin/script";
import { type Transaction, txid as txidOf } from "@fulmen/bitcoin/transaction";
import type { BroadcastOutcome } from "@fulmen/chain-sync";
import { present, shortChannelId } from "@fulmen/lightning/util";
import { Faucet, inputOf } from "../../wallet/index.ts";
import { expectBytes, expectSame } from "../expect.ts";
import type { TestRunner } from "../suite.ts";
import { type ChainSourceAbilities, type ChainSourceMedium, type Rig, withRig } from "./medium.ts";

/** Feerates, broadcasts, and whether an output is unspent. */
export function services(
  runner: TestRunner,
  createMedium: () => Promise<ChainSourceMedium>,
  { takesPackages = false }: ChainSourceAbilities,
): void {
  const check = (name: string, body: (rig: Rig) => Promise<void>): void =>
    runner.it(name, () => withRig(createMedium, body));

  check("feerates by rising targets", async ({ source }) => {
    const { targets, minimum } = await source.feerates();
    expectSame(minimum > 0n, true, "the minimum is above zero");
    expectSame(targets.length > 0, true, "there is a target");
    for (const [index, { blocks, feerate }] of targets.entries()) {
      expectSame(blocks > (targets[index - 1]?.blocks ?? 0), true, `target ${index} is above the one before`);
      expectSame(feerate > 0n, true, `the feerate of target ${index} is above zero`);
    }
  });

  check("a broadcast reaches the mempool, and may be repeated, even when it is confirmed", async (rig) => {
    const { chain, source } = rig;
    const transaction = rig.fund([{ value: 100_000n as Sat, script: new Faucet(77).script }]);
    expectAccepted(await source.broadcast([transaction]), "the first time");
    expectSame(rig.has(transaction), true, "it is in the mempool");
    expectAccepted(await source.broadcast([transaction]), "the second time");
    rig.mine();
    expectSame(chain.confirmations(txidOf(transaction)), 1, "confirmations");
    expectAccepted(await source.broadcast([transaction]), "when it is confirmed");
  });

  check("a broadcast that nobody relays is refused, and says why", async (rig) => {
    const { source } = rig;
    const wallet = new Faucet(77);
    const outPoint = { txid: txidOf(rig.pay(wallet.script)), index: 7 };
    const output = { value: 100_000n as Sat, script: wallet.script };
    const spend = wallet.spend([{ input: inputOf(outPoint), output }], [output]);
    const outcome = await source.broadcast([spend]);
    expectSame(outcome.kind, "refused", "an input that does not exist");
    expectSame(outcome.kind === "refused" && outcome.reason.length > 0, true, "there is a reason");
  });

  check("several transactions, parents first", async (rig) => {
    const { source } = rig;
    const wallet = new Faucet(77);
    const parent = rig.fund([{ value: 100_000n as Sat, script: wallet.script }]);
    const child = childOf(wallet, parent, { fee: 2_000n, version: 2 });
    expectAccepted(await source.broadcast([parent, child]), "parent and child");
    for (const transaction of [parent, child]) {
      expectSame(rig.has(transaction), true, "both are in the mempool");
    }
    expectAccepted(await source.broadcast([parent, child]), "once more");
  });

  if (takesPackages) {
    check("a child pays for its parent, which has no fee", async (rig) => {
      const { chain, source, medium } = rig;
      const wallet = new Faucet(77);
      const coin = present(medium.faucet.spendable(chain)[0], "a coin");
      const outputs = [
        { value: coin.output.value, script: wallet.script },
        { value: 0n as Sat, script: p2a() },
      ];
      const input = { input: inputOf(coin.outPoint), output: coin.output };
      const parent = medium.faucet.spend([input], outputs, { version: 3 });
      const child = childOf(wallet, parent, { fee: 10_000n, version: 3, anchor: true });
      expectSame((await source.broadcast([parent])).kind, "refused", "the parent alone");
      expectAccepted(await source.broadcast([parent, child]), "both");
      expectSame(rig.has(child), true, "the child is in the mempool");
    });
  }

  check("outputs by their short channel ids: unspent, spent, and none", async (rig) => {
    const { chain, source } = rig;
    const owner = new Faucet(78);
    const [kept, spent] = [rig.pay(owner.script), rig.pay(owner.script)];
    rig.mine(6);
    rig.submit(childOf(owner, spent, { fee: 1_000n, version: 2 }));
    rig.mine();
    const { height, txids } = present(chain.blockAt(chain.tip.height - 6), "the block of both");
    const idOf = (transaction: Transaction, outputIndex: number) =>
      shortChannelId({ height, txIndex: txids.indexOf(txidOf(transaction)), outputIndex });
    const found = await source.utxo(idOf(kept, 0));
    expectSame(found.kind, "found", "what is unspent");
    if (found.kind !== "found") return;
    expectSame(found.value, 100_000n, "its value");
    expectBytes(found.script, owner.script, "its script");
    const none = [
      ["what is spent", idOf(spent, 0)],
      ["an output that is not there", idOf(kept, 9)],
      ["a transaction that is not there", shortChannelId({ height, txIndex: 500, outputIndex: 0 })],
      ["a block that is not there", shortChannelId({ height: height + 10_000, txIndex: 0, outputIndex: 0 })],
    ] as const;
    for (const [what, id] of none) expectSame((await source.utxo(id)).kind, "not-found", what);
  });
}

/** Spends the first output, and an anchor in the second when there is one. */
function childOf(
  owner: Faucet,
  parent: Transaction,
  options: { readonly fee: bigint; readonly version: number; readonly anchor?: boolean },
): Transaction {
  const spent = parent.outputs.slice(0, options.anchor === true ? 2 : 1).map((output, index) => ({
    input: inputOf({ txid: txidOf(parent), index }),
    output,
  }));
  const value = spent.reduce((sum, { output }) => sum + output.value, 0n) - options.fee;
  return owner.spend(spent, [{ value: value as Sat, script: owner.script }], { version: options.version });
}

function expectAccepted(outcome: BroadcastOutcome, what: string): void {
  expectSame(outcome.kind === "refused" ? outcome.reason : outcome.kind, "accepted", what);
}
