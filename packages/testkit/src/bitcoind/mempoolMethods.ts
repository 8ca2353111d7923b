import { fromHex, type Txid, toHex } from "@fulmen/bitcoin/primitives";
import {
  BitcoinDecodeError,
  decodeTransaction,
  encodeTransaction,
  type Transaction,
  txid,
  vsize,
  wtxid,
} from "@fulmen/bitcoin/transaction";
import { err, ok, type Result } from "@fulmen/lightning/util";
import { defaultPolicy, type Refusal } from "../chain/index.ts";
import type { Json } from "../electrum/json.ts";
import { rejectReason } from "../lookup/rejectReason.ts";
import { integer, type RpcContext, RpcFailure, type RpcMethod, rpcCodes, text } from "./rpcMethod.ts";

/** What Bitcoin Core says of transactions, and does with those it is given. */
export const mempoolMethods: Readonly<Record<string, RpcMethod>> = {
  getrawmempool: ({ chain }, [verbose = false, sequence = false]) => {
    if (verbose !== false) throw new RpcFailure(rpcCodes.invalidParameter, "not served in full");
    return sequence === true
      ? { txids: chain.mempool, mempool_sequence: chain.mempool.length }
      : chain.mempool;
  },

  /** Without an index of transactions: those of the mempool only. */
  getrawtransaction: ({ chain }, [id]) => {
    const found = chain.transaction(text(id) as Txid);
    if (found === undefined || found.block !== undefined) {
      throw new RpcFailure(
        rpcCodes.invalidAddressOrKey,
        "No such mempool transaction. Use -txindex or provide a block hash to enable blockchain transaction queries. Use gettransaction for wallet transactions.",
      );
    }
    return toHex(encodeTransaction(found.transaction));
  },

  getmempoolinfo: ({ chain }) => {
    const minimum = bitcoins(defaultPolicy.minRelayFeerate);
    return {
      loaded: true,
      size: chain.mempool.length,
      bytes: chain.mempool.reduce((sum, id) => sum + sizeOf(chain.transaction(id)?.transaction), 0),
      mempoolminfee: minimum,
      minrelaytxfee: minimum,
    };
  },

  estimatesmartfee: ({ options }, [blocks]) => {
    const feerate = options.feerate?.(integer(blocks));
    if (feerate === undefined) return { errors: ["Insufficient data or no feerate found"], blocks: 0 };
    return { feerate: bitcoins(feerate * 4n), blocks: integer(blocks) };
  },

  gettxout: ({ chain, view }, [id, index, withMempool = true]) => {
    const outPoint = { txid: text(id) as Txid, index: integer(index) };
    const coin = chain.coin(outPoint);
    if (coin === undefined || (withMempool === true && chain.outputSpentBy(outPoint) !== undefined))
      return null;
    return {
      bestblock: view.tip.hash,
      confirmations: view.height - coin.height + 1,
      value: bitcoins(coin.output.value),
      scriptPubKey: { hex: toHex(coin.output.script) },
      coinbase: coin.coinbase,
    };
  },

  sendrawtransaction: (context, [raw]) => {
    const transaction = decoded(raw);
    const result = submitted(context, transaction);
    if (result.ok) return txid(transaction);
    const { code, message } = result.error;
    throw new RpcFailure(code, message);
  },

  submitpackage: (context, [list]) => {
    if (!isList(list) || list.length < 1)
      throw new RpcFailure(rpcCodes.invalidParameter, "Array must contain between 1 and 25 transactions.");
    return packageResult(context, list.map(decoded));
  },
};

interface Rejected {
  readonly code: number;
  readonly message: string;
}

function submitted({ chain }: RpcContext, transaction: Transaction): Result<undefined, Rejected> {
  const result = chain.submit(transaction);
  return result.ok || result.error.kind === "already-in-mempool"
    ? ok(undefined)
    : err(rejected(result.error));
}

function rejected(refusal: Refusal): Rejected {
  const message = rejectReason(refusal);
  if (refusal.kind === "already-confirmed") return { code: rpcCodes.alreadyInUtxoSet, message };
  return { code: refusal.kind === "missing-inputs" ? rpcCodes.verify : rpcCodes.verifyRejected, message };
}

function packageResult(context: RpcContext, transactions: readonly Transaction[]): Json {
  const errors = packageErrors(context, transactions);
  const results = transactions.map((transaction): [string, Json] => {
    const error = errors.get(txid(transaction));
    const fact = { txid: txid(transaction), vsize: vsize(transaction) };
    return [wtxid(transaction), error === undefined ? fact : { ...fact, error }];
  });
  const message = errors.size === 0 ? "success" : "transaction failed";
  return { package_msg: message, "tx-results": Object.fromEntries(results), "replaced-transactions": [] };
}

function packageErrors(context: RpcContext, transactions: readonly Transaction[]): ReadonlyMap<Txid, string> {
  const [parent, child, ...more] = transactions;
  if (parent !== undefined && child !== undefined && more.length === 0) {
    const result = context.chain.submitPackage(parent, child);
    if (result.ok || result.error.refusal.kind === "already-in-mempool") return new Map();
    return new Map([[result.error.txid, rejectReason(result.error.refusal)]]);
  }
  const errors = new Map<Txid, string>();
  for (const transaction of transactions) {
    const result = submitted(context, transaction);
    if (!result.ok) errors.set(txid(transaction), result.error.message);
  }
  return errors;
}

function decoded(raw: Json | undefined): Transaction {
  try {
    return decodeTransaction(fromHex(text(raw)));
  } catch (error) {
    if (!(error instanceof BitcoinDecodeError || error instanceof RangeError)) throw error;
    throw new RpcFailure(
      rpcCodes.deserialization,
      "TX decode failed. Make sure the tx has at least one input.",
    );
  }
}

function isList(value: Json | undefined): value is readonly Json[] {
  return Array.isArray(value);
}

function sizeOf(transaction: Transaction | undefined): number {
  return transaction === undefined ? 0 : vsize(transaction);
}

/** Satoshis as Bitcoin Core's JSON has them. */
function bitcoins(amount: bigint): number {
  return Number(amount) / 100_000_000;
}
