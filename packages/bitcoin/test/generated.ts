import type { OutPoint, Sat } from "@fulmen/bitcoin/primitives";
import { txidFromInternal } from "@fulmen/bitcoin/primitives";
import type { Transaction, TxIn, TxOut } from "@fulmen/bitcoin/transaction";
import fc from "fast-check";

const plain = { noNullPrototype: true } as const;
const u32 = fc.integer({ min: 0, max: 0xffff_ffff });

export const bytes32: fc.Arbitrary<Uint8Array> = fc.uint8Array({ minLength: 32, maxLength: 32 });

export const outPoints: fc.Arbitrary<OutPoint> = fc.record(
  {
    txid: bytes32.map(txidFromInternal),
    index: u32,
  },
  plain,
);

export const outputs: fc.Arbitrary<TxOut> = fc.record(
  {
    value: fc.bigInt({ min: 0n, max: 21_000_000n * 100_000_000n }).map((value) => value as Sat),
    script: fc.uint8Array({ maxLength: 300 }),
  },
  plain,
);

function inputs(witness: boolean): fc.Arbitrary<TxIn> {
  return fc.record(
    {
      outPoint: outPoints,
      scriptSig: fc.uint8Array({ maxLength: 80 }),
      sequence: u32,
      witness: fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: witness ? 4 : 0 }),
    },
    plain,
  );
}

function withInputs(witness: boolean): fc.Arbitrary<Transaction> {
  return fc.record(
    {
      version: fc.integer({ min: -0x8000_0000, max: 0x7fff_ffff }),
      inputs: fc.array(inputs(witness), { minLength: 1, maxLength: 5 }),
      outputs: fc.array(outputs, { maxLength: 5 }),
      locktime: u32,
    },
    plain,
  );
}

/** Transactions with at least one input, many with witnesses. */
export const transactions: fc.Arbitrary<Transaction> = withInputs(true);
/** Transactions without witnesses, as they are before signing. */
export const unsignedTransactions: fc.Arbitrary<Transaction> = withInputs(false);
