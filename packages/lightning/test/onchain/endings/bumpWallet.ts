import { encodeTypedSignature } from "@fulmen/bitcoin/script";
import { sighashAll } from "@fulmen/bitcoin/sighash";
import { type Transaction, txid, weight } from "@fulmen/bitcoin/transaction";
import type { SimulatedChain } from "@fulmen/testkit/chain";
import { Faucet, inputOf, type SpentInput } from "@fulmen/testkit/wallet";
import type { BumpTransactionEvent, HtlcDescriptor } from "#src/onchain/bumpTransaction";
import type { OutputSpendSigner } from "#src/sign/outputSpend";
import { feeOf, feeratePerKw, sat } from "#src/util/units";

type ChannelClose = Extract<BumpTransactionEvent, { kind: "channel-close" }>;
type HtlcResolution = Extract<BumpTransactionEvent, { kind: "htlc-resolution" }>;

const longSignature = new Uint8Array(73);
/** About what a child of one anchor and one coin weighs, and never more: it then pays rather too much. */
const leastChildWeight = 600;

/** Adds a party's coins to what cannot pay for itself: as plainly as it can be done, for tests of what asks for it. */
export class BumpWallet {
  readonly #chain: SimulatedChain;
  readonly #signer: OutputSpendSigner;
  readonly faucet: Faucet;
  /** The last answer for each claim, and to what. */
  readonly #answers = new Map<string, { readonly asked: string; readonly transaction: Transaction }>();

  constructor(chain: SimulatedChain, signer: OutputSpendSigner, seed: number) {
    this.#chain = chain;
    this.#signer = signer;
    this.faucet = new Faucet(seed);
  }

  /** What to broadcast: the same as before unless something else is asked for, or what was answered cannot be any more. */
  answer(event: BumpTransactionEvent): readonly Transaction[] {
    const asked =
      event.kind === "channel-close"
        ? `${event.packageTargetFeerate} ${txid(event.commitment)}`
        : `${event.targetFeerate} ${event.htlcs.map(({ outPoint }) => outPoint.index)} ${event.htlcs[0]?.outPoint.txid}`;
    const before = this.#answers.get(event.claimId);
    let transaction = before?.transaction;
    if (before === undefined || before.asked !== asked || !this.#isPossible(before.transaction)) {
      if (before !== undefined) this.faucet.release(before.transaction);
      transaction = event.kind === "channel-close" ? this.#childOfCommitment(event) : this.#takesHtlcs(event);
      this.#answers.set(event.claimId, { asked, transaction });
    }
    if (transaction === undefined) return [];
    return event.kind === "channel-close" ? [event.commitment, transaction] : [transaction];
  }

  /** Whether what it spends still is; the commitment that it may belong to comes along with it. */
  #isPossible(transaction: Transaction): boolean {
    if (this.#chain.transaction(txid(transaction)) !== undefined) return true;
    return transaction.inputs.slice(1).every(({ outPoint }) => this.#chain.coin(outPoint) !== undefined);
  }

  #childOfCommitment(event: ChannelClose): Transaction {
    const { anchor, commitment, commitmentFee, packageTargetFeerate: target, version } = event;
    const { witnessScript } = anchor;
    const witness = witnessScript === undefined ? [] : [longSignature, witnessScript];
    const input = { ...inputOf(anchor.outPoint), witness };
    const missing = feeOf(target, weight(commitment)) - commitmentFee;
    const perChild = missing > 0n ? (missing * 1000n) / BigInt(leastChildWeight) : 0n;
    const feerate = feeratePerKw(target + perChild);
    const spent: SpentInput[] = [{ input, output: anchor.output }];
    // An anchor alone might pay for its own child, which would then have no output.
    const least = { value: sat(1000), script: this.faucet.script };
    const child = this.faucet.fund(this.#chain, [least], feerate, { version, inputs: spent });
    if (witnessScript === undefined) return child;
    const signature = this.#signer.signSpend({
      transaction: child,
      inputIndex: 0,
      value: anchor.output.value,
      scriptCode: witnessScript,
      sighashType: sighashAll,
      key: { kind: "funding" },
    });
    if (signature === undefined) return child;
    const signed = encodeTypedSignature({ signature, sighashType: sighashAll });
    return withWitnesses(child, [[signed, witnessScript]]);
  }

  #takesHtlcs({ htlcs, version, locktime, targetFeerate }: HtlcResolution): Transaction {
    const inputs = htlcs.map((htlc): SpentInput => {
      const { outPoint, sequence, value } = htlc;
      const input = { ...inputOf(outPoint, sequence), witness: htlcWitness(htlc, longSignature) };
      return { input, output: { value, script: new Uint8Array(34) } };
    });
    const outputs = htlcs.map(({ output }) => output);
    const options = { version, locktime, inputs };
    const transaction = this.faucet.fund(this.#chain, outputs, targetFeerate, options);
    const witnesses = htlcs.map((htlc, inputIndex) => {
      const signature = this.#signer.signSpend({
        transaction,
        inputIndex,
        value: htlc.value,
        scriptCode: htlc.witnessScript,
        sighashType: sighashAll,
        key: { kind: "htlc", point: htlc.perCommitmentPoint },
      });
      if (signature === undefined) throw new Error("not signed");
      return htlcWitness(htlc, encodeTypedSignature({ signature, sighashType: sighashAll }));
    });
    return withWitnesses(transaction, witnesses);
  }
}

/** BOLT 3, "HTLC-Timeout and HTLC-Success Transactions". */
function htlcWitness(htlc: HtlcDescriptor, own: Uint8Array): readonly Uint8Array[] {
  const { peerSignature, peerSighashType, preimage, witnessScript } = htlc;
  const peer = encodeTypedSignature({ signature: peerSignature, sighashType: peerSighashType });
  return [new Uint8Array(0), peer, own, preimage ?? new Uint8Array(0), witnessScript];
}

/** `transaction` with the witnesses of its first inputs. */
function withWitnesses(transaction: Transaction, witnesses: readonly (readonly Uint8Array[])[]): Transaction {
  const inputs = transaction.inputs.map((input, i) => ({ ...input, witness: witnesses[i] ?? input.witness }));
  return { ...transaction, inputs };
}
