import { encodeAddress } from "@fulmen/bitcoin/address";
import { networks } from "@fulmen/bitcoin/network";
import { type Sat, type Txid, toHex } from "@fulmen/bitcoin/primitives";
import {
  encodeTransaction,
  isCoinbase,
  type TxIn,
  type TxOut,
  totalSize,
  vsize,
  weight,
  wtxid,
} from "@fulmen/bitcoin/transaction";
import type { FoundTransaction, TestChain } from "../chain/index.ts";
import type { Json } from "./json.ts";

/** What Bitcoin Core's `getrawtransaction` tells of a transaction, but for scripts in words and their types. */
export function verboseTransaction(chain: TestChain, txid: Txid, found: FoundTransaction): Json {
  const { transaction, block } = found;
  const { version, locktime, inputs, outputs } = transaction;
  const coinbase = isCoinbase(transaction);
  const time = block?.block.header.time;
  return {
    txid,
    hash: wtxid(transaction),
    version,
    size: totalSize(transaction),
    vsize: vsize(transaction),
    weight: weight(transaction),
    locktime,
    vin: inputs.map((input) => inputFact(input, coinbase)),
    vout: outputs.map(outputFact),
    hex: toHex(encodeTransaction(transaction)),
    ...(block === undefined || time === undefined
      ? {}
      : { blockhash: block.hash, confirmations: chain.confirmations(txid), time, blocktime: time }),
  };
}

/** An amount as Bitcoin Core's JSON has it. */
export function bitcoins(amount: Sat | bigint): number {
  return Number(amount) / 100_000_000;
}

function inputFact({ outPoint, scriptSig, sequence, witness }: TxIn, coinbase: boolean): Json {
  const script = toHex(scriptSig);
  return {
    ...(coinbase
      ? { coinbase: script }
      : { txid: outPoint.txid, vout: outPoint.index, scriptSig: { hex: script } }),
    ...(witness.length > 0 ? { txinwitness: witness.map(toHex) } : {}),
    sequence,
  };
}

function outputFact({ value, script }: TxOut, index: number): Json {
  const address = encodeAddress(script, networks.regtest);
  return {
    value: bitcoins(value),
    n: index,
    scriptPubKey: { hex: toHex(script), ...(address === undefined ? {} : { address }) },
  };
}
