import { fromHex } from "@fulmen/bitcoin/primitives";
import {
  BitcoinDecodeError,
  decodeTransaction,
  type Transaction,
  txid as txidOf,
  wtxid,
} from "@fulmen/bitcoin/transaction";
import { present } from "@fulmen/lightning/util";
import type { TestChain } from "../chain/index.ts";
import { type Json, parseJson } from "../electrum/json.ts";
import { rejectReason } from "../lookup/index.ts";
import { EsploraRefusal } from "./answer.ts";

/** `POST /tx`: the id of what is in the mempool now. */
export function broadcast(chain: TestChain, hex: string): string {
  const transaction = decoded(hex);
  const result = chain.submit(transaction);
  if (result.ok || result.error.kind === "already-in-mempool") return txidOf(transaction);
  const code = result.error.kind === "missing-inputs" ? -25 : -26;
  throw refused(code, rejectReason(result.error));
}

/** `POST /txs/package`, as Bitcoin Core answers `submitpackage`: for a parent and its child. */
export function broadcastPackage(chain: TestChain, body: string): Json {
  const json = parseJson(body);
  if (!isListOfText(json)) throw new EsploraRefusal(400, "invalid type: expected a sequence of strings");
  const transactions = json.map(decoded);
  if (transactions.length !== 2) throw refused(-25, "package topology disallowed");
  const parent = present(transactions[0], "the parent");
  const child = present(transactions[1], "the child");
  const isKnown = chain.transaction(txidOf(child)) !== undefined;
  const result = isKnown ? { ok: true as const } : chain.submitPackage(parent, child);
  const error = result.ok ? {} : { error: rejectReason(result.error.refusal) };
  return {
    package_msg: result.ok ? "success" : "transaction failed",
    "tx-results": Object.fromEntries(
      transactions.map((each) => [wtxid(each), { txid: txidOf(each), ...error }]),
    ),
    "replaced-transactions": [],
  };
}

function decoded(hex: string): Transaction {
  try {
    if (/^(?:[0-9a-f]{2})+$/i.test(hex)) return decodeTransaction(fromHex(hex.toLowerCase()));
  } catch (error) {
    if (!(error instanceof BitcoinDecodeError)) throw error;
  }
  throw refused(-22, "TX decode failed. Make sure the tx has at least one input.");
}

/** As electrs passes on what its node says. */
function refused(code: number, message: string): EsploraRefusal {
  return new EsploraRefusal(400, `sendrawtransaction RPC error: ${JSON.stringify({ code, message })}`);
}

function isListOfText(json: Json | undefined): json is readonly string[] {
  return Array.isArray(json) && json.every((each) => typeof each === "string");
}
