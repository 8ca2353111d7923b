import type { Sat } from "@fulmen/bitcoin/primitives";
import { type TxOut, txid as txidOf } from "@fulmen/bitcoin/transaction";
import { present } from "@fulmen/lightning/util";
import { Faucet, inputOf } from "../../wallet/index.ts";
import { expectSame } from "../expect.ts";
import type { TestRunner } from "../suite.ts";
import { type ChainSourceMedium, expectChainSourceError, type Rig, withRig } from "./medium.ts";
import { RecordingFollower, recordingClients } from "./recordingClients.ts";

/** Followers are brought to the tip, wherever they are, also by a source that begins with what an earlier one kept. */
export function following(runner: TestRunner, createMedium: () => Promise<ChainSourceMedium>): void {
  const check: Check = (name, body) => runner.it(name, () => withRig(createMedium, body));
  forwards(check);
  pacing(check);
  check("what one source kept, a later one begins with, and goes on from", afterRestart);
  for (const depth of [1, 6, 100]) {
    check(`a reorganisation of ${depth} ${depth === 1 ? "block" : "blocks"}`, (rig) =>
      reorganised(rig, depth),
    );
  }
}

type Check = (name: string, body: (rig: Rig) => Promise<void>) => void;

function forwards(check: Check): void {
  check("a new follower hears of all that it wants, in the right blocks", async (rig) => {
    const { chain, source } = rig;
    const wallet = new Faucet(77);
    const received = rig.pay(wallet.script);
    rig.mine(3);
    const output = present(received.outputs[0], "the payment");
    const input = inputOf({ txid: txidOf(received), index: 0 });
    const back = lessFee({ ...output, script: rig.medium.faucet.script });
    rig.submit(wallet.spend([{ input, output }], [back]));
    rig.pay(wallet.script, 50_000n);
    rig.pay(rig.medium.faucet.script);
    rig.mine(2);
    const wanted = { scripts: [wallet.script] };
    const follower = new RecordingFollower(wanted);
    const reached = await source.sync(recordingClients(source, [follower], wanted));
    expectSame(`${reached.height} ${reached.hash}`, `${chain.tip.height} ${chain.tip.hash}`, "the tip");
    follower.expectAt(chain, "the follower");
    expectSame(follower.listeners[0].relevantTxids().length, 3, "transactions");
  });

  check("spends of a registered output", async (rig) => {
    const { chain, source } = rig;
    const owner = new Faucet(78);
    const funding = rig.pay(owner.script);
    rig.mine();
    const output = present(funding.outputs[0], "the output");
    const outPoint = { txid: txidOf(funding), index: 0 };
    const wanted = { outputs: [{ outPoint, script: owner.script }] };
    const follower = new RecordingFollower(wanted, chain.locator());
    const clients = recordingClients(source, [follower], wanted);
    await source.sync(clients);
    expectSame(follower.listeners[0].relevantTxids().length, 0, "spends before there is one");
    rig.submit(owner.spend([{ input: inputOf(outPoint), output }], [lessFee(output)]));
    rig.mine(2);
    await source.sync(clients);
    follower.expectAt(chain, "the follower");
    expectSame(follower.listeners[0].relevantTxids().length, 1, "spends");
  });

  check("followers at different positions, in one sync", async (rig) => {
    const { chain, source } = rig;
    const wallet = new Faucet(77);
    const wanted = { scripts: [wallet.script] };
    const early = await source.locate(present(chain.blockAt(40), "block 40").height);
    rig.pay(wallet.script);
    rig.mine(2);
    const stale = chain.locator();
    rig.reorg(2);
    const fork = chain.tip.height - 3;
    rig.mine(1);
    const middle = chain.locator();
    rig.pay(wallet.script);
    rig.mine(4);
    const followers = [
      new RecordingFollower(wanted),
      new RecordingFollower(wanted, early),
      new RecordingFollower(wanted, stale, fork),
      new RecordingFollower(wanted, middle),
      new RecordingFollower(wanted, chain.locator()),
    ];
    await source.sync(recordingClients(source, followers, wanted));
    for (const [index, follower] of followers.entries()) follower.expectAt(chain, `follower ${index}`);
    expectSame(followers[4]?.heard, 0, "blocks told to a follower that is at the tip");
  });
}

function pacing(check: Check): void {
  check("syncing again tells what is new, and nothing when nothing is", async (rig) => {
    const { chain, source } = rig;
    const wallet = new Faucet(77);
    const wanted = { scripts: [wallet.script] };
    const follower = new RecordingFollower(wanted, chain.locator());
    const clients = recordingClients(source, [follower], wanted);
    for (let round = 0; round < 3; round++) {
      rig.pay(wallet.script);
      rig.mine();
      await source.sync(clients);
      follower.expectAt(chain, `round ${round}`);
      const { heard } = follower;
      await source.sync(clients);
      expectSame(follower.heard, heard, "blocks told twice");
    }
  });

  check("nobody hears of a block while the pace is waited for", async (rig) => {
    const { chain, source } = rig;
    const wallet = new Faucet(77);
    const wanted = { scripts: [wallet.script] };
    const follower = new RecordingFollower(wanted, chain.locator());
    for (let n = 0; n < 4; n++) {
      rig.pay(wallet.script);
      rig.mine();
    }
    let toldMeanwhile = 0;
    let [begun, ended] = [0, 0];
    const paced = async (): Promise<void> => {
      begun++;
      const { heard } = follower;
      await new Promise((resolve) => setTimeout(resolve, 5));
      toldMeanwhile += follower.heard - heard;
      ended++;
    };
    await source.sync(recordingClients(source, [follower], wanted, { paced }));
    expectSame(begun > 0, true, "the pace was asked for");
    expectSame(ended, begun, "times that it was waited for");
    expectSame(toldMeanwhile, 0, "blocks told meanwhile");
    follower.expectAt(chain, "the follower");
  });
}

async function afterRestart(rig: Rig): Promise<void> {
  const { chain, source, medium } = rig;
  if (source.keptHeaders === undefined) return;
  const wallet = new Faucet(77);
  const wanted = { scripts: [wallet.script] };
  rig.pay(wallet.script);
  rig.mine(4);
  const follower = new RecordingFollower(wanted, chain.locator());
  await source.sync(recordingClients(source, [follower], wanted));
  const kept = present(source.keptHeaders(), "headers");
  const { height } = chain.tip;
  rig.reorg(2);
  rig.pay(wallet.script);
  rig.mine(3);
  const later = medium.createSource();
  try {
    await later.start();
    const damaged = kept.with(40, (kept[40] ?? 0) ^ 1);
    await expectChainSourceError(
      (async () => later.recall?.(damaged))(),
      ["invalid-chain"],
      "damaged headers",
    );
    expectSame(later.recall?.(kept), height, "the height of what was kept");
    await later.sync(recordingClients(later, [follower], wanted));
    follower.expectAt(chain, "the follower");
  } finally {
    await later.stop();
  }
}

async function reorganised(rig: Rig, depth: number): Promise<void> {
  const { chain, source } = rig;
  const wallet = new Faucet(77);
  const wanted = { scripts: [wallet.script] };
  rig.pay(wallet.script);
  rig.mine();
  const follower = new RecordingFollower(wanted, chain.locator());
  const clients = recordingClients(source, [follower], wanted);
  const abandoned = rig.pay(wallet.script);
  rig.mine(depth);
  await source.sync(clients);
  follower.expectAt(chain, "before");
  expectSame(chain.confirmations(txidOf(abandoned)), depth, "confirmations before");
  rig.reorg(depth);
  expectSame(chain.confirmations(txidOf(abandoned)), 0, "confirmations after");
  await source.sync(clients);
  follower.expectAt(chain, "after");
  rig.mine();
  expectSame(chain.confirmations(txidOf(abandoned)), 1, "confirmations on the branch");
  await source.sync(clients);
  follower.expectAt(chain, "on the branch");
}

function lessFee({ value, script }: TxOut): TxOut {
  return { value: (value - 1_000n) as Sat, script };
}
