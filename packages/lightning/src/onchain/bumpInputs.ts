import { encodeTypedSignature, p2wsh } from "@fulmen/bitcoin/script";
import { sighashAll } from "@fulmen/bitcoin/sighash";
import { type Transaction, type TxIn, type TxOut, witnessSize } from "@fulmen/bitcoin/transaction";
import type { Input } from "../chain/coinSelection.ts";
import type { OutputSpendKey, OutputSpendSigner } from "../sign/outputSpend.ts";
import { noBytes } from "../util/bytes.ts";
import type { OutPoint } from "../util/ids.ts";
import type { AnchorDescriptor, BumpTransactionEvent, HtlcDescriptor } from "./bumpTransaction.ts";

/** An input of the channel's in a transaction that a wallet pays for. */
export interface ChannelInput {
  readonly outPoint: OutPoint;
  readonly spent: TxOut;
  readonly sequence: number;
  /** Stands at the same place among the outputs. */
  readonly output?: TxOut;
  /** How it is unlocked; absent when anyone may spend it. */
  readonly lock?: {
    readonly witnessScript: Uint8Array;
    readonly key: OutputSpendKey;
    /** The whole witness with our signature, its sighash type included. */
    readonly witness: (signature: Uint8Array) => readonly Uint8Array[];
  };
}

/** As long as a signature of ours with its sighash type can be: s is low. */
const longestSignature = new Uint8Array(72);
/** What an input has as its length of an empty script: 4 weight units. */
const emptyScriptWeight = 4;
/** Opts in to replacement (BIP 125), and sets no relative lock. */
const replaceable = 0xffff_fffd;

/** The channel's inputs of the transaction that `event` asks for, in their order. */
export function channelInputs(event: BumpTransactionEvent): readonly ChannelInput[] {
  switch (event.kind) {
    case "channel-close":
      return [anchorInput(event.anchor)];
    case "htlc-resolution":
      return event.htlcs.map(htlcInput);
  }
}

/** As a wallet has to see it. */
export function mandatoryInput({ outPoint, spent, lock }: ChannelInput): Input {
  const witness = lock === undefined ? [] : lock.witness(longestSignature);
  return {
    outPoint,
    previousUtxo: spent,
    satisfactionWeight: emptyScriptWeight + witnessSize(witness),
  };
}

/** The input without its witness. */
export function unsignedInput({ outPoint, sequence }: Pick<ChannelInput, "outPoint" | "sequence">): TxIn {
  return { outPoint, scriptSig: noBytes, sequence, witness: [] };
}

/**
 * `transaction` with the witnesses of `inputs`, which are its first; our signatures are for the whole of it.
 * `undefined` when the signer does not sign now.
 */
export function withChannelWitnesses(
  transaction: Transaction,
  inputs: readonly ChannelInput[],
  signer: OutputSpendSigner,
): Transaction | undefined {
  const witnesses: (readonly Uint8Array[])[] = [];
  for (const [inputIndex, { spent, lock }] of inputs.entries()) {
    if (lock === undefined) {
      witnesses.push([]);
      continue;
    }
    const { key, witnessScript: scriptCode } = lock;
    const spend = { transaction, inputIndex, value: spent.value, scriptCode, sighashType: sighashAll, key };
    const signature = signer.signSpend(spend);
    if (signature === undefined) return undefined;
    witnesses.push(lock.witness(encodeTypedSignature({ signature, sighashType: sighashAll })));
  }
  const signed = transaction.inputs.map((input, i) => ({ ...input, witness: witnesses[i] ?? input.witness }));
  return { ...transaction, inputs: signed };
}

function anchorInput({ outPoint, output, witnessScript }: AnchorDescriptor): ChannelInput {
  const input = { outPoint, spent: output, sequence: replaceable };
  if (witnessScript === undefined) return input;
  const witness = (signature: Uint8Array): readonly Uint8Array[] => [signature, witnessScript];
  return { ...input, lock: { witnessScript, key: { kind: "funding" }, witness } };
}

/** BOLT 3, "HTLC-Timeout and HTLC-Success Transactions": the peer's signature is for this input and its output only. */
function htlcInput(htlc: HtlcDescriptor): ChannelInput {
  const { outPoint, value, witnessScript, sequence, output, perCommitmentPoint: point } = htlc;
  const { peerSignature, peerSighashType, preimage = noBytes } = htlc;
  const peer = encodeTypedSignature({ signature: peerSignature, sighashType: peerSighashType });
  const witness = (signature: Uint8Array) => [noBytes, peer, signature, preimage, witnessScript];
  return {
    outPoint,
    sequence,
    output,
    spent: { value, script: p2wsh(witnessScript) },
    lock: { witnessScript, key: { kind: "htlc", point }, witness },
  };
}
