import { type Transaction, txid } from "@fulmen/bitcoin/transaction";
import { claimIdOf } from "#src/chain/coinSelection";
import { bumpSteps } from "#src/onchain/bumpSteps";
import { type ChannelMonitor, locked } from "#src/onchain/channelMonitor";
import { claimables } from "#src/onchain/claimable";
import { transactionConfirmed } from "#src/onchain/confirmations";
import { type MonitorAction, monitorActions } from "#src/onchain/monitorActions";
import { holderCommitments, signedHolderCommitment } from "#src/onchain/validCommitments";
import type { KeysManager } from "#src/sign/keysManager";
import { fromHex } from "#src/util/bytes";
import { type BlockHash, blockHeight, type PaymentHash } from "#src/util/ids";
import { invariant, present } from "#src/util/invariant";
import { ok } from "#src/util/result";
import { type FeeratePerKw, feeratePerKw } from "#src/util/units";

/** What a cheat does once it is on chain, where coins of a wallet are wanted. */
type Bump = Extract<MonitorAction, { kind: "bump" }>["event"];

/**
 * Somebody who has kept a state of a channel, whatever was agreed since, and the channel's keys: publishes its
 * commitment, and claims the outputs of any that confirms.
 */
export class Cheat {
  readonly keys: KeysManager;
  readonly #monitor: ChannelMonitor;

  /** `monitor` is the cheat's own, as it was at some time: a value, which stays as it is. */
  constructor(keys: KeysManager, monitor: ChannelMonitor) {
    this.keys = keys;
    this.#monitor = locked(monitor, true, "force-closed");
  }

  /** Its commitment of that time, signed by both. */
  commitment(): Transaction {
    const [commitment] = holderCommitments(this.#monitor);
    const signer = this.keys.deriveChannelSigner(this.#monitor.setup.channelKeysId);
    const found = present(commitment, "a commitment");
    return present(signedHolderCommitment(this.#monitor, found, signer), "a signature");
  }

  /**
   * What it can claim of `commitment` in the block behind `height`, a transaction for each output: complete ones, and
   * those of HTLC transactions that need coins.
   */
  claims(
    commitment: Transaction,
    on: {
      readonly height: number;
      readonly preimages?: readonly { readonly paymentHash: PaymentHash; readonly preimage: Uint8Array }[];
      readonly feerate?: FeeratePerKw;
      readonly destination?: Uint8Array;
    },
  ): { readonly transactions: readonly Transaction[]; readonly bumps: readonly Bump[] } {
    const { height, preimages = [], feerate = feeratePerKw(1_000) } = on;
    const { channelKeysId } = this.#monitor.setup;
    const destination = on.destination ?? this.keys.destinationScript(channelKeysId);
    const at = { height: blockHeight(height), blockHash: txid(commitment) as string as BlockHash };
    const knowing = {
      ...this.#monitor,
      preimages: [...this.#monitor.preimages, ...preimages.map((one) => ({ ...one, parts: [] }))],
    };
    const monitor = transactionConfirmed(knowing, commitment, at, destination);
    const active = claimables(monitor, height).map((one) => ({
      id: claimIdOf(fromHex(one.outPoint.txid).with(0, one.outPoint.index & 0xff)),
      outPoints: [one.outPoint],
      feerate,
      setAt: height,
      claimables: [one] as const,
    }));
    const signer = this.keys.deriveChannelSigner(channelKeysId);
    const actions = monitorActions({ monitor, active }, { height, destination, signer });
    return {
      transactions: actions.flatMap((one) => (one.kind === "broadcast" ? one.transactions : [])),
      bumps: actions.flatMap((one) => (one.kind === "bump" ? [one.event] : [])),
    };
  }

  /** One transaction that takes the HTLCs of all these, and pays no fee: miners may be friends. */
  together(bumps: readonly Bump[]): Transaction {
    const [first] = bumps;
    const htlcs = bumps.flatMap((one) => (one.kind === "htlc-resolution" ? one.htlcs : []));
    invariant(first?.kind === "htlc-resolution", "HTLCs to take");
    const signer = this.keys.deriveChannelSigner(this.#monitor.setup.channelKeysId);
    let step = bumpSteps({ ...first, htlcs }, { signer });
    while (step.kind === "select") step = step.answered(ok({ confirmedUtxos: [] }));
    invariant(step.kind === "broadcast", `the HTLCs cannot be taken: ${step.kind}`);
    return present(step.transactions[0], "a transaction");
  }
}
