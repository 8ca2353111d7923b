import { type OutPoint, type Sat, txidFromInternal } from "../primitives/index.ts";
import { ByteReader } from "./byteReader.ts";
import type { Transaction, TxIn, TxOut } from "./transaction.ts";

/** Outpoint, empty script, sequence. */
const leastInputSize = 41;
/** Value, empty script. */
const leastOutputSize = 9;

/**
 * A transaction in network form, with nothing behind it. Only the one encoding that `encodeTransaction` gives is
 * accepted; there is no limit on witnesses, which are as large as a block allows. Throws `BitcoinDecodeError`.
 *
 * As in Bitcoin Core, zero inputs read as the BIP 144 marker: a transaction with outputs but no input has no
 * network form that could be read back.
 */
export function decodeTransaction(bytes: Uint8Array): Transaction {
  const reader = new ByteReader(bytes);
  const tx = readTransaction(reader);
  reader.expectEnd();
  return tx;
}

/** Reads one transaction, as in a block; throws `BitcoinDecodeError`. */
export function readTransaction(reader: ByteReader): Transaction {
  const version = reader.i32();
  const count = reader.count(leastInputSize);
  if (count > 0) {
    const inputs = readInputs(reader, count);
    const outputs = readOutputs(reader, reader.count(leastOutputSize));
    return { version, inputs: inputs.map(withoutWitness), outputs, locktime: reader.u32() };
  }
  const flag = reader.u8();
  if (flag === 0) return { version, inputs: [], outputs: [], locktime: reader.u32() };
  if (flag !== 1) throw reader.error(`unknown transaction flag ${flag}`);
  const bare = readInputs(reader, reader.count(leastInputSize));
  const outputs = readOutputs(reader, reader.count(leastOutputSize));
  const inputs = bare.map((input) => ({ ...input, witness: readWitness(reader) }));
  if (inputs.every((input) => input.witness.length === 0)) throw reader.error("flag without any witness");
  return { version, inputs, outputs, locktime: reader.u32() };
}

/** Reads a txid in internal order and an index (u32). */
export function readOutPoint(reader: ByteReader): OutPoint {
  const txid = txidFromInternal(reader.bytes(32));
  return { txid, index: reader.u32() };
}

/** Reads a value (u64) and a script behind its compact size. */
export function readTxOut(reader: ByteReader): TxOut {
  const value = reader.u64() as Sat;
  return { value, script: reader.varBytes() };
}

type BareInput = Omit<TxIn, "witness">;

function readInputs(reader: ByteReader, count: number): readonly BareInput[] {
  const inputs: BareInput[] = [];
  for (let i = 0; i < count; i++) {
    const outPoint = readOutPoint(reader);
    const scriptSig = reader.varBytes();
    inputs.push({ outPoint, scriptSig, sequence: reader.u32() });
  }
  return inputs;
}

function readOutputs(reader: ByteReader, count: number): readonly TxOut[] {
  const outputs: TxOut[] = [];
  for (let i = 0; i < count; i++) outputs.push(readTxOut(reader));
  return outputs;
}

function readWitness(reader: ByteReader): readonly Uint8Array[] {
  const count = reader.count(1);
  const items: Uint8Array[] = [];
  for (let i = 0; i < count; i++) items.push(reader.varBytes());
  return items;
}

function withoutWitness(input: BareInput): TxIn {
  return { ...input, witness: [] };
}
