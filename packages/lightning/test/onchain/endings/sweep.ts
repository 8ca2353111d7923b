import { encodeTypedSignature, hash160, p2pkh } from "@fulmen/bitcoin/script";
import { sighashAll } from "@fulmen/bitcoin/sighash";
import { type Transaction, weight } from "@fulmen/bitcoin/transaction";
import { inputOf } from "@fulmen/testkit/wallet";
import type { SpendableOutputDescriptor } from "#src/handlers/index";
import { feeOf, feeratePerKw, minus, type Sat, sum } from "#src/util/units";
import type { MonitoredParty } from "../monitoredPair.ts";

const longSignature = new Uint8Array(73);
const feerate = feeratePerKw(300);

/** One transaction that takes outputs which were handed over to `script`, signed with the party's keys. */
export function sweep(
  { keysManager, signer }: MonitoredParty,
  outputs: readonly SpendableOutputDescriptor[],
  script: Uint8Array,
): Transaction {
  const unsigned = (value: Sat): Transaction => ({
    version: 2,
    inputs: outputs.map((one) => inputOf(one.outPoint, sequenceOf(one))),
    outputs: [{ value, script }],
    locktime: 0,
  });
  const total = sum(outputs.map(({ output }) => output.value));
  const fullSize: Transaction = {
    ...unsigned(total),
    inputs: outputs.map((one) => ({
      ...inputOf(one.outPoint),
      witness: [
        longSignature,
        "witnessScript" in one ? (one.witnessScript ?? longSignature) : longSignature,
        new Uint8Array(1),
      ],
    })),
  };
  const transaction = unsigned(minus(total, feeOf(feerate, weight(fullSize))));
  const inputs = transaction.inputs.map((input, inputIndex) => {
    const descriptor = outputs[inputIndex];
    if (descriptor === undefined) throw new Error("no output");
    return { ...input, witness: witnessOf(descriptor, inputIndex) };
  });
  return { ...transaction, inputs };

  function witnessOf(descriptor: SpendableOutputDescriptor, inputIndex: number): readonly Uint8Array[] {
    const { value } = descriptor.output;
    const base = { transaction, inputIndex, value, sighashType: sighashAll };
    if (descriptor.kind === "static-output") {
      const witness = keysManager.signOwnOutput(transaction, inputIndex, descriptor.output);
      if (witness === undefined) throw new Error("an output that is not ours");
      return witness;
    }
    if (descriptor.kind === "delayed-payment-output") {
      const { witnessScript, perCommitmentPoint: point } = descriptor;
      const key = { kind: "delayed-payment", point } as const;
      return [signed({ ...base, scriptCode: witnessScript, key }), new Uint8Array(0), witnessScript];
    }
    const key = { kind: "payment" } as const;
    const { payment } = signer.basepoints;
    const { witnessScript } = descriptor;
    if (witnessScript === undefined) {
      return [signed({ ...base, scriptCode: p2pkh(hash160(payment)), key }), payment];
    }
    return [signed({ ...base, scriptCode: witnessScript, key }), witnessScript];
  }

  function signed(spend: Parameters<MonitoredParty["signer"]["signSpend"]>[0]): Uint8Array {
    const signature = signer.signSpend(spend);
    return encodeTypedSignature({ signature, sighashType: sighashAll });
  }
}

function sequenceOf(descriptor: SpendableOutputDescriptor): number {
  switch (descriptor.kind) {
    case "static-output":
      return 0xffff_fffd;
    case "delayed-payment-output":
      return descriptor.toSelfDelay;
    case "static-payment-output":
      return descriptor.sequence;
  }
}
