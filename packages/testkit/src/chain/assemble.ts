import {
  type Block,
  type BlockHeader,
  hasProofOfWork,
  merkleRootOf,
  merkleRootToInternal,
} from "@fulmen/bitcoin/block";
import { crypto } from "@fulmen/bitcoin/crypto";
import { networks } from "@fulmen/bitcoin/network";
import { type BlockHash, concatBytes, fromHex, type Sat, type Txid } from "@fulmen/bitcoin/primitives";
import { op, script } from "@fulmen/bitcoin/script";
import { type Transaction, txid, wtxid } from "@fulmen/bitcoin/transaction";
import { regtestBits, regtestSubsidy } from "./regtest.ts";

/** What a block is made of. */
export interface BlockTemplate {
  readonly previous: BlockHash;
  readonly height: number;
  readonly time: number;
  /** Parents before children. */
  readonly transactions: readonly Transaction[];
  readonly fees: Sat;
  /** Who gets subsidy and fees. */
  readonly payTo: Uint8Array;
  /** Up to 80 bytes in the coinbase that tell blocks of the same contents apart. */
  readonly extra: Uint8Array;
}

const zeros = new Uint8Array(32);
const commitmentTag = fromHex("aa21a9ed");
const noTxid = "00".repeat(32) as Txid;

/** A block that nodes on regtest accept, with its proof of work. */
export function assembleBlock(template: BlockTemplate): Block {
  const coinbase = coinbaseOf(template);
  const transactions = [coinbase, ...template.transactions];
  const header: BlockHeader = {
    version: 0x2000_0000,
    previous: template.previous,
    merkleRoot: merkleRootOf(transactions.map(txid)),
    time: template.time,
    bits: regtestBits,
    nonce: 0,
  };
  return { header: withProofOfWork(header), transactions };
}

/** Begins with the height (BIP 34) and commits to all witnesses (BIP 141, "Commitment structure"). */
function coinbaseOf({ height, transactions, fees, payTo, extra }: BlockTemplate): Transaction {
  const root = merkleRootToInternal(merkleRootOf([noTxid, ...transactions.map(wtxid)]));
  const commitment = concatBytes(commitmentTag, crypto().hash256(concatBytes(root, zeros)));
  const reward = (regtestSubsidy(height) + fees) as Sat;
  return {
    version: 2,
    inputs: [
      {
        outPoint: { txid: noTxid, index: 0xffff_ffff },
        scriptSig: script(BigInt(height), extra),
        sequence: 0xffff_ffff,
        witness: [zeros],
      },
    ],
    outputs: [
      { value: reward, script: payTo },
      { value: 0n as Sat, script: script(op.RETURN, commitment) },
    ],
    locktime: 0,
  };
}

function withProofOfWork(header: BlockHeader): BlockHeader {
  let mined = header;
  while (!hasProofOfWork(mined, networks.regtest)) mined = { ...mined, nonce: mined.nonce + 1 };
  return mined;
}
