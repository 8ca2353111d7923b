import { merkleProof } from "@fulmen/bitcoin/block";
import type { Txid } from "@fulmen/bitcoin/primitives";
import { toHex } from "@fulmen/bitcoin/primitives";
import {
  BitcoinDecodeError,
  decodeTransaction,
  encodeTransaction,
  type Transaction,
  txid as txidOf,
} from "@fulmen/bitcoin/transaction";
import { err } from "@fulmen/lightning/util";
import { rejectReason } from "../lookup/index.ts";
import { boolean, hexBytes, nonNegativeInteger, transactionHash } from "./arguments.ts";
import { blockAt } from "./headerMethods.ts";
import { grouped } from "./headerProof.ts";
import type { Json } from "./json.ts";
import type { Method } from "./method.ts";
import { badRequest, daemonError } from "./requestError.ts";
import { verboseTransaction } from "./verboseTransaction.ts";

/** `blockchain.transaction...`. */
export const transactionMethods: Readonly<Record<string, Method>> = {
  "blockchain.transaction.broadcast": {
    parameters: ["raw_tx"],
    required: 1,
    call: ({ chain, options }, [raw]) => {
      const bytes = hexBytes(raw);
      const transaction = decoded(bytes);
      if (transaction === undefined) throw rejected("TX decode failed.", bytes);
      const result = chain.submit(transaction);
      options.onBroadcast?.(transaction, result);
      // What waits already is welcome once more, as with Bitcoin Core.
      if (!result.ok && result.error.kind !== "already-in-mempool")
        throw rejected(rejectReason(result.error), bytes);
      return txidOf(transaction);
    },
  },

  "blockchain.transaction.broadcast_package": {
    parameters: ["raw_txs", "verbose"],
    required: 1,
    since: "1.6",
    call: ({ chain, options }, [raws]) => {
      const [parent, child, ...others] = (isList(raws) ? raws : []).map((raw) => decoded(hexBytes(raw)));
      if (parent === undefined || child === undefined || others.length > 0) {
        throw badRequest("the tx package was rejected by network rules.\n\npackage topology disallowed");
      }
      const result = chain.submitPackage(parent, child);
      for (const each of [parent, child]) {
        if (result.ok) options.onBroadcast?.(each, result);
        else if (result.error.txid === txidOf(each)) options.onBroadcast?.(each, err(result.error.refusal));
      }
      if (result.ok || result.error.refusal.kind === "already-in-mempool") return { success: true };
      const { txid, refusal } = result.error;
      return { success: false, errors: [{ txid, error: rejectReason(refusal) }] };
    },
  },

  "blockchain.transaction.get": {
    parameters: ["tx_hash", "verbose"],
    required: 1,
    call: ({ chain }, args) => {
      const txid = transactionHash(args[0]);
      const isVerbose = boolean(args[1] ?? false, "verbose");
      const found = chain.transaction(txid);
      if (found === undefined) {
        throw daemonError(
          -5,
          "No such mempool or blockchain transaction. Use gettransaction for wallet transactions.",
        );
      }
      return isVerbose ? verboseTransaction(chain, txid, found) : toHex(encodeTransaction(found.transaction));
    },
  },

  "blockchain.transaction.get_merkle": {
    parameters: ["tx_hash", "height"],
    required: 2,
    call: ({ chain }, args) => {
      const txid = transactionHash(args[0]);
      const height = nonNegativeInteger(args[1]);
      const { txids } = blockAt(chain, height);
      const position = txids.indexOf(txid);
      if (position < 0) throw badRequest(`tx ${txid} not in block at height ${grouped(height)}`);
      return { block_height: height, merkle: siblings(txids, position), pos: position };
    },
  },

  "blockchain.transaction.id_from_pos": {
    parameters: ["height", "tx_pos", "merkle"],
    required: 2,
    call: ({ chain }, args) => {
      const height = nonNegativeInteger(args[0]);
      const position = nonNegativeInteger(args[1]);
      const withProof = boolean(args[2] ?? false, "merkle");
      const { txids } = blockAt(chain, height);
      const txid = txids[position];
      if (txid === undefined) {
        throw badRequest(`no tx at position ${grouped(position)} in block at height ${grouped(height)}`);
      }
      return withProof ? { tx_hash: txid, merkle: siblings(txids, position) } : txid;
    },
  },
};

function isList(value: Json | undefined): value is readonly Json[] {
  return Array.isArray(value);
}

function siblings(txids: readonly Txid[], position: number): readonly Txid[] {
  return merkleProof(txids, position).siblings;
}

function decoded(bytes: Uint8Array): Transaction | undefined {
  try {
    return decodeTransaction(bytes);
  } catch (error) {
    if (error instanceof BitcoinDecodeError) return undefined;
    throw error;
  }
}

function rejected(reason: string, raw: Uint8Array): Error {
  return badRequest(`the transaction was rejected by network rules.\n\n${reason}\n[${toHex(raw)}]`);
}
