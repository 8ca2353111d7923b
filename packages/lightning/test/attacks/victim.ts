import type { BlockHeader } from "@fulmen/bitcoin/block";
import type { Transaction } from "@fulmen/bitcoin/transaction";
import { ChainMonitor } from "#src/manager/chainMonitor";
import { applyUpdate, type ChannelMonitor, newMonitor } from "#src/onchain/channelMonitor";
import type { MonitorEvent } from "#src/onchain/watch";
import type { BlockHash } from "#src/util/ids";
import { invariant, present } from "#src/util/invariant";
import { feeratePerKw } from "#src/util/units";
import { channelId, type MonitoredParty } from "../onchain/monitoredPair.ts";
import { Cheat } from "./cheat.ts";

/** How often a monitor asked for a signature, and what came out. */
export class Victim {
  signatures = 0;
  readonly broadcasts: Transaction[] = [];
  readonly events: MonitorEvent[] = [];
  readonly chainMonitor: ChainMonitor;

  /** Where its claims pay. */
  readonly destination: Uint8Array;

  constructor({ keysManager, setup, updates }: MonitoredParty) {
    this.destination = keysManager.destinationScript(setup.channelKeysId);
    const signerOf = (channelKeysId: Uint8Array) => keysManager.deriveChannelSigner(channelKeysId);
    this.chainMonitor = new ChainMonitor(
      {
        signerProvider: {
          destinationScript: (keysId) => keysManager.destinationScript(keysId),
          deriveChannelSigner: (keysId) => {
            const signer = signerOf(keysId);
            return {
              point: (number) => signer.point(number),
              sign: (request) => signer.sign(request),
              signSpend: (spend) => {
                this.signatures++;
                return signer.signSpend(spend);
              },
            };
          },
        },
        broadcaster: { broadcastTransactions: (all) => void this.broadcasts.push(...all) },
        feeEstimator: { feerate: () => feeratePerKw(1_000) },
        logger: { log: () => undefined },
      },
      { bestHeight: 100, monitors: [] },
    );
    this.chainMonitor.watchChannel(setup);
    for (const update of updates) this.chainMonitor.updateChannel(update);
  }

  get monitor(): ChannelMonitor {
    return present(this.chainMonitor.monitor(channelId), "a monitor");
  }

  /** A block with these transactions; what the victim broadcasts at once. */
  block(height: number, transactions: readonly Transaction[] = []): readonly Transaction[] {
    this.broadcasts.length = 0;
    this.chainMonitor.blockConnected(header(height), inBlock(transactions), height);
    this.events.push(...this.chainMonitor.takeMonitorEvents());
    // What it knows is stored.
    this.chainMonitor.takeWrites(height);
    this.chainMonitor.committed(height);
    return this.broadcasts;
  }

  /** Signatures asked for while `action` ran. */
  during(action: () => void): number {
    const before = this.signatures;
    action();
    return this.signatures - before;
  }
}

export function header(height: number): BlockHeader {
  return {
    version: 1,
    previous: "00".repeat(32) as BlockHash,
    merkleRoot: "00".repeat(32) as BlockHeader["merkleRoot"],
    time: height,
    bits: 0,
    nonce: 0,
  };
}

export const inBlock = (transactions: readonly Transaction[]) =>
  transactions.map((transaction, index) => ({ transaction, index }));

/** What the party could publish now and for ever. */
export function cheatNow({ keysManager, setup, updates }: MonitoredParty): Cheat {
  let monitor = newMonitor(setup);
  for (const update of updates) {
    const outcome = applyUpdate(monitor, update);
    invariant(outcome.kind === "applied", "an update that does not follow");
    monitor = outcome.monitor;
  }
  return new Cheat(keysManager, monitor);
}
