import { present } from "@fulmen/lightning/util";
import { Faucet } from "../../wallet/index.ts";
import { expectSame } from "../expect.ts";
import type { TestRunner } from "../suite.ts";
import {
  type ChainSourceAbilities,
  type ChainSourceMedium,
  expectChainSourceError,
  type Rig,
  withRig,
} from "./medium.ts";
import { RecordingFollower, RecordingMempool, recordingClients } from "./recordingClients.ts";

/** The other side goes away, or lies. */
export function faults(
  runner: TestRunner,
  createMedium: () => Promise<ChainSourceMedium>,
  { canInterrupt = false, lies = [] }: ChainSourceAbilities,
): void {
  const check = (name: string, body: (rig: Rig) => Promise<void>): void =>
    runner.it(name, () => withRig(createMedium, body));

  if (canInterrupt) check("goes on where it was when the other side went away and is back", interrupted);
  for (const lie of lies) {
    check(`nobody hears of a lie: ${lie}`, async (rig) => {
      const { medium, source, chain } = rig;
      const wallet = new Faucet(77);
      const wanted = { scripts: [wallet.script] };
      const follower = new RecordingFollower(wanted, chain.locator());
      const seen = new RecordingMempool();
      const clients = recordingClients(source, [follower], wanted, { mempool: seen });
      await source.sync(clients);
      rig.pay(wallet.script);
      present(medium.lie, "lie").call(medium, lie);
      rig.mine(2);
      const error = await expectChainSourceError(source.sync(clients), ["invalid-chain"], "sync");
      expectSame(error.isTransient, false, "a lie is not transient");
      const hashes = follower.listeners[0].relevantTxids().map(({ blockHash }) => blockHash);
      for (const hash of [...hashes, present(follower.position(), "a position").hash]) {
        const known = [0, 1, 2].some((back) => chain.blockAt(chain.tip.height - back)?.hash === hash);
        expectSame(known, true, "it knows blocks of the chain only");
      }
      follower.expectNoComplaints("the follower");
      present(medium.lie, "lie").call(medium, undefined);
      rig.mine();
      await source.sync(clients);
      follower.expectAt(chain, "when the truth is told");
    });
  }
}

async function interrupted(rig: Rig): Promise<void> {
  const { medium, source, chain } = rig;
  const [interrupt, resume] = [present(medium.interrupt, "interrupt"), present(medium.resume, "resume")];
  const wallet = new Faucet(77);
  const wanted = { scripts: [wallet.script] };
  const follower = new RecordingFollower(wanted, chain.locator());
  for (let n = 0; n < 12; n++) {
    if (n % 3 === 0) rig.pay(wallet.script);
    rig.mine();
  }
  let isCut = false;
  const paced = async (): Promise<void> => {
    if (isCut) return;
    isCut = true;
    await interrupt.call(medium);
  };
  const clients = recordingClients(source, [follower], wanted, { paced });
  // What was fetched ahead may suffice; what comes later cannot be known.
  await source.sync(clients).catch(() => undefined);
  expectSame(isCut, true, "the other side is gone");
  follower.expectNoComplaints("when the other side went away");
  rig.pay(wallet.script);
  rig.mine();
  const error = await expectChainSourceError(source.sync(clients), ["unreachable"], "sync");
  expectSame(error.isTransient, true, "it may come back");
  await expectChainSourceError(source.feerates(), ["unreachable"], "feerates");
  await resume.call(medium);
  await source.sync(clients);
  follower.expectAt(chain, "when it is back");
}
