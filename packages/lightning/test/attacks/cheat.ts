import { crypto } from "@fulmen/bitcoin/crypto";
import { encodeTypedSignature } from "@fulmen/bitcoin/script";
import { sighashAll } from "@fulmen/bitcoin/sighash";
import { type Transaction, type TxIn, txid } from "@fulmen/bitcoin/transaction";
import { claimIdOf } from "#src/chain/coinSelection";
import { bumpSteps } from "#src/onchain/bumpSteps";
import { type ChannelMonitor, type KnownPreimage, locked } from "#src/onchain/channelMonitor";
import { claimables } from "#src/onchain/claimable";
import { directWitness } from "#src/onchain/claimWeight";
import { transactionConfirmed } from "#src/onchain/confirmations";
import { type MonitorAction, monitorActions } from "#src/onchain/monitorActions";
import { holderCommitments, signedHolderCommitment } from "#src/onchain/validCommitments";
import type { KeysManager } from "#src/sign/keysManager";
import { fromHex } from "#src/util/bytes";
import { type BlockHash, blockHeight, paymentHashOf } from "#src/util/ids";
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
      readonly preimages?: readonly Omit<KnownPreimage, "parts">[];
      readonly feerate?: FeeratePerKw;
      readonly destination?: Uint8Array;
    },
  ): { readonly transactions: readonly Transaction[]; readonly bumps: readonly Bump[] } {
    const { height, preimages = [], feerate = feeratePerKw(1_000) } = on;
    const { channelKeysId } = this.#monitor.setup;
    const destination = on.destination ?? this.keys.destinationScript(channelKeysId);
    const monitor = this.#after(commitment, { height, preimages });
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

  /**
   * Takes an HTLC that was offered to it, on the other's confirmed commitment: by a transaction that `build` makes of
   * the input, which must be its first.
   */
  spendDirectly(
    commitment: Transaction,
    on: {
      readonly preimage: Uint8Array;
      readonly height: number;
      readonly build: (input: TxIn) => Transaction;
    },
  ): Transaction {
    const { preimage, height, build } = on;
    const paymentHash = paymentHashOf(crypto().sha256(preimage));
    const monitor = this.#after(commitment, { height, preimages: [{ paymentHash, preimage }] });
    const htlc = claimables(monitor, height).find((one) => one.kind === "direct");
    invariant(htlc?.kind === "direct", "an HTLC to take");
    const { outPoint, value, witnessScript, key, sequence } = htlc;
    const transaction = build({ outPoint, scriptSig: new Uint8Array(0), sequence, witness: [] });
    const signer = this.keys.deriveChannelSigner(monitor.setup.channelKeysId);
    const spend = {
      transaction,
      inputIndex: 0,
      value,
      scriptCode: witnessScript,
      sighashType: sighashAll,
      key,
    };
    const signature = present(signer.signSpend(spend), "a signature");
    const witness = directWitness(htlc, encodeTypedSignature({ signature, sighashType: sighashAll }));
    const inputs = transaction.inputs.map((one, i) => (i === 0 ? { ...one, witness } : one));
    return { ...transaction, inputs };
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

  /** The monitor when `commitment` has confirmed. */
  #after(
    commitment: Transaction,
    on: { readonly height: number; readonly preimages: readonly Omit<KnownPreimage, "parts">[] },
  ): ChannelMonitor {
    const monitor = this.#monitor;
    const preimages = [...monitor.preimages, ...on.preimages.map((one) => ({ ...one, parts: [] }))];
    const at = { height: blockHeight(on.height), blockHash: txid(commitment) as string as BlockHash };
    const destination = this.keys.destinationScript(monitor.setup.channelKeysId);
    return transactionConfirmed({ ...monitor, preimages }, commitment, at, destination);
  }
}
