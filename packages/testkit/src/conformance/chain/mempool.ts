import type { Sat } from "@fulmen/bitcoin/primitives";
import { type Transaction, type TxOut, txid as txidOf } from "@fulmen/bitcoin/transaction";
import { present } from "@fulmen/lightning/util";
import { Faucet, inputOf } from "../../wallet/index.ts";
import type { TestRunner } from "../suite.ts";
import { type ChainSourceMedium, type Rig, withRig } from "./medium.ts";
import { RecordingFollower, RecordingMempool, recordingClients } from "./recordingClients.ts";

/** What is in the mempool is told of. */
export function mempool(runner: TestRunner, createMedium: () => Promise<ChainSourceMedium>): void {
  const check = (name: string, body: (rig: Rig) => Promise<void>): void =>
    runner.it(name, () => withRig(createMedium, body));

  check("payments to a script are seen, those that were there before too", async (rig) => {
    const wallet = new Faucet(77);
    const wanted = { scripts: [wallet.script] };
    const first = rig.pay(wallet.script);
    const seen = new RecordingMempool();
    const follower = new RecordingFollower(wanted, rig.chain.locator());
    const clients = recordingClients(rig.source, [follower], wanted, { mempool: seen });
    await rig.source.sync(clients);
    expectSeen(seen, [first]);
    const second = rig.pay(wallet.script);
    await rig.source.sync(clients);
    expectSeen(seen, [first, second]);
  });

  check("a spend of a registered output is seen", async (rig) => {
    const owner = new Faucet(78);
    const funding = rig.pay(owner.script);
    rig.mine();
    const outPoint = { txid: txidOf(funding), index: 0 };
    const wanted = { outputs: [{ outPoint, script: owner.script }] };
    const seen = new RecordingMempool();
    const follower = new RecordingFollower(wanted, rig.chain.locator());
    const clients = recordingClients(rig.source, [follower], wanted, { mempool: seen });
    await rig.source.sync(clients);
    const spend = rig.submit(spendOf(owner, funding));
    await rig.source.sync(clients);
    expectSeen(seen, [spend]);
  });

  check("parents are seen before their children", async (rig) => {
    const wallet = new Faucet(77);
    const wanted = { scripts: [wallet.script] };
    const line = [rig.pay(wallet.script)];
    for (let n = 0; n < 5; n++) {
      line.push(rig.submit(spendOf(wallet, present(line.at(-1), "the parent"), wallet.script)));
    }
    const seen = new RecordingMempool(line.map(txidOf));
    const follower = new RecordingFollower(wanted, rig.chain.locator());
    await rig.source.sync(recordingClients(rig.source, [follower], wanted, { mempool: seen }));
    expectSeen(seen, line);
  });
}

/** Spends the first output of a transaction. */
function spendOf(owner: Faucet, parent: Transaction, to = owner.script): Transaction {
  const output = present(parent.outputs[0], "the output");
  const rest: TxOut = { value: (output.value - 1_000n) as Sat, script: to };
  return owner.spend([{ input: inputOf({ txid: txidOf(parent), index: 0 }), output }], [rest]);
}

function expectSeen(mempool: RecordingMempool, transactions: readonly Transaction[]): void {
  const missing = transactions.map(txidOf).filter((txid) => !mempool.seen.includes(txid));
  const complaints = [...mempool.complaints, ...missing.map((txid) => `${txid} was not seen`)];
  if (complaints.length > 0) throw new Error(complaints.join("; "));
}
