import { encodeAddress } from "@fulmen/bitcoin/address";
import { blockHash, encodeBlock } from "@fulmen/bitcoin/block";
import { networks } from "@fulmen/bitcoin/network";
import { type Txid, toHex } from "@fulmen/bitcoin/primitives";
import {
  isCoinbase,
  type TxIn,
  type TxOut,
  totalSize,
  txid as txidOf,
  weight,
} from "@fulmen/bitcoin/transaction";
import type { ChainBlock, FoundTransaction, TestChain } from "../chain/index.ts";
import type { Json } from "../electrum/json.ts";

/** A block as `/block/:hash` and `/blocks` tell of it, but for its difficulty. */
export function blockValue({ block, height }: ChainBlock): Json {
  const { header, transactions } = block;
  return {
    id: blockHash(header),
    height,
    version: header.version >>> 0,
    timestamp: header.time,
    tx_count: transactions.length,
    size: encodeBlock(block).length,
    weight: transactions.reduce((sum, transaction) => sum + weight(transaction), 0),
    merkle_root: header.merkleRoot,
    ...(height === 0 ? {} : { previousblockhash: header.previous }),
    mediantime: header.time,
    nonce: header.nonce,
    bits: header.bits,
  };
}

/** Where a transaction is. */
export function statusValue(block: ChainBlock | undefined): Json {
  if (block === undefined) return { confirmed: false };
  const { height, hash } = block;
  return {
    confirmed: true,
    block_height: height,
    block_hash: hash,
    block_time: block.block.header.time,
  };
}

/** A transaction with what it spends, but for scripts in words. */
export function transactionValue(chain: TestChain, { transaction, block }: FoundTransaction): Json {
  const txid = txidOf(transaction);
  const coinbase = isCoinbase(transaction);
  return {
    txid,
    version: transaction.version >>> 0,
    locktime: transaction.locktime,
    vin: transaction.inputs.map((input) => inputValue(chain, input, coinbase)),
    vout: transaction.outputs.map(outputValue),
    size: totalSize(transaction),
    weight: weight(transaction),
    fee: Number(chain.feeOf(txid) ?? 0n),
    status: statusValue(block),
  };
}

/** Whether an output is spent, and by what. */
export function outspendValue(chain: TestChain, txid: Txid, index: number): Json {
  const spender = chain.outputSpentBy({ txid, index });
  if (spender === undefined) return { spent: false };
  const { transaction, block } = spender;
  const vin = transaction.inputs.findIndex(
    ({ outPoint }) => outPoint.txid === txid && outPoint.index === index,
  );
  return { spent: true, txid: txidOf(transaction), vin, status: statusValue(block) };
}

function inputValue(chain: TestChain, input: TxIn, coinbase: boolean): Json {
  const { outPoint, scriptSig, sequence, witness } = input;
  const prevout = coinbase ? undefined : chain.output(outPoint);
  return {
    txid: outPoint.txid,
    vout: outPoint.index,
    prevout: prevout === undefined ? null : outputValue(prevout),
    scriptsig: toHex(scriptSig),
    ...(witness.length === 0 ? {} : { witness: witness.map(toHex) }),
    is_coinbase: coinbase,
    sequence,
  };
}

function outputValue({ value, script }: TxOut): Json {
  const address = encodeAddress(script, networks.regtest);
  return {
    scriptpubkey: toHex(script),
    ...(address === undefined ? {} : { scriptpubkey_address: address }),
    value: Number(value),
  };
}
