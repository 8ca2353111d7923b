import { type BlockHeader, decodeHeader, type MerkleProof } from "@fulmen/bitcoin/block";
import { fromHex, type OutPoint, type Txid } from "@fulmen/bitcoin/primitives";
import { BitcoinDecodeError, decodeTransaction, type Transaction } from "@fulmen/bitcoin/transaction";
import { type BlockHeight, blockHeight, type FeeratePerKw, feeratePerKw } from "@fulmen/lightning/util";
import { ChainSourceError } from "../chainSourceError.ts";
import { isObject } from "./rpcMessage.ts";

/*
 * What servers answer, read with suspicion: each function gives a value of its type, or throws `ChainSourceError`
 * (`invalid-answer`). Whether what it says is true is for others to check.
 */

/** The last block as a server tells it. */
export interface HeaderAtHeight {
  readonly header: BlockHeader;
  readonly height: BlockHeight;
}

/** A transaction of a script. */
export interface HistoryEntry {
  readonly txid: Txid;
  /** In the mempool 0, or -1 where it spends outputs that are not confirmed either. */
  readonly height: number;
}

/** Merkle trees of blocks are no deeper. */
const deepestProof = 17;
const headerDigits = 160;
const maxHeight = 2 ** 31 - 1;

/** `blockchain.headers.subscribe`, and its notifications. */
export function readTip(json: unknown): HeaderAtHeight {
  if (!isObject(json)) throw invalid("blockchain.headers.subscribe");
  return {
    header: readHeader(json["hex"]),
    height: heightOf(json["height"], "blockchain.headers.subscribe"),
  };
}

/** The hex of one header. */
export function readHeader(json: unknown): BlockHeader {
  const method = "blockchain.block.header";
  if (typeof json !== "string" || json.length !== headerDigits) throw invalid(method);
  return decoded(method, json, decodeHeader);
}

/** `blockchain.block.headers`, before protocol 1.6 as one text, since then as a list; at most `most` of them. */
export function readHeaders(json: unknown, most: number): readonly BlockHeader[] {
  const method = "blockchain.block.headers";
  if (!isObject(json)) throw invalid(method);
  const { hex, headers } = json;
  const parts: readonly unknown[] = Array.isArray(headers) ? headers : chunks(hex, method);
  if (parts.length > most) throw invalid(method);
  return parts.map(readHeader);
}

function chunks(hex: unknown, method: string): readonly string[] {
  if (typeof hex !== "string" || hex.length % headerDigits !== 0) throw invalid(method);
  const parts: string[] = [];
  for (let at = 0; at < hex.length; at += headerDigits) parts.push(hex.slice(at, at + headerDigits));
  return parts;
}

/** `blockchain.scripthash.get_history`: confirmed ones first, in the order of the chain. */
export function readHistory(json: unknown): readonly HistoryEntry[] {
  const method = "blockchain.scripthash.get_history";
  if (!Array.isArray(json)) throw invalid(method);
  return json.map((item: unknown) => {
    if (!isObject(item)) throw invalid(method);
    const height = item["height"];
    return {
      txid: hashOf(item["tx_hash"], method) as Txid,
      height: height === -1 ? height : heightOf(height, method),
    };
  });
}

/** `blockchain.scripthash.subscribe`, and what its notifications end with: `null` where there is no history. */
export function readStatus(json: unknown): string | null {
  return json === null ? null : hashOf(json, "blockchain.scripthash.subscribe");
}

/** `blockchain.transaction.get`. Whether it is the one that was asked for is not looked at. */
export function readTransaction(json: unknown): Transaction {
  const method = "blockchain.transaction.get";
  if (typeof json !== "string") throw invalid(method);
  return decoded(method, json, decodeTransaction);
}

/** `blockchain.transaction.get_merkle`. */
export function readMerkleProof(json: unknown): MerkleProof {
  const method = "blockchain.transaction.get_merkle";
  if (!isObject(json)) throw invalid(method);
  const position = json["pos"];
  if (typeof position !== "number" || !Number.isSafeInteger(position) || position < 0) throw invalid(method);
  return { position, siblings: siblings(json["merkle"], method) };
}

/** `blockchain.transaction.id_from_pos` with a proof. */
export function readIdAtPosition(json: unknown, position: number): { txid: Txid; proof: MerkleProof } {
  const method = "blockchain.transaction.id_from_pos";
  if (!isObject(json)) throw invalid(method);
  const txid = hashOf(json["tx_hash"], method) as Txid;
  return { txid, proof: { position, siblings: siblings(json["merkle"], method) } };
}

/** Whether `blockchain.scripthash.listunspent` has this output. */
export function hasUnspent(json: unknown, { txid, index }: OutPoint): boolean {
  if (!Array.isArray(json)) throw invalid("blockchain.scripthash.listunspent");
  return json.some((item: unknown) => isObject(item) && item["tx_hash"] === txid && item["tx_pos"] === index);
}

/** Bitcoins per 1,000 virtual bytes; `undefined` for less than nothing, which stands for ignorance. */
export function readFeerate(json: unknown, method: string): FeeratePerKw | undefined {
  if (typeof json !== "number" || !Number.isFinite(json) || json > 21_000_000) throw invalid(method);
  // 1,000 virtual bytes are 4,000 weight units.
  return json < 0 ? undefined : feeratePerKw(Math.round((json * 100_000_000) / 4));
}

/** `mempool.get_fee_histogram`: from the highest feerate down, with how much pays about as much. */
export function readHistogram(
  json: unknown,
): readonly { readonly feerate: FeeratePerKw; readonly vsize: number }[] {
  const method = "mempool.get_fee_histogram";
  if (!Array.isArray(json) || json.length > 10_000) throw invalid(method);
  return json.map((pair: unknown) => {
    const [perByte, vsize]: readonly unknown[] = Array.isArray(pair) ? pair : [];
    if (typeof perByte !== "number" || typeof vsize !== "number" || !(vsize >= 0)) throw invalid(method);
    // Satoshis per virtual byte, which is four weight units.
    const feerate = readFeerate((perByte * 1_000) / 100_000_000, method);
    if (feerate === undefined) throw invalid(method);
    return { feerate, vsize };
  });
}

function siblings(json: unknown, method: string): readonly Txid[] {
  if (!Array.isArray(json) || json.length > deepestProof) throw invalid(method);
  return json.map((sibling: unknown) => hashOf(sibling, method) as Txid);
}

function hashOf(json: unknown, method: string): string {
  if (typeof json === "string" && /^[0-9a-f]{64}$/.test(json)) return json;
  throw invalid(method);
}

function heightOf(json: unknown, method: string): BlockHeight {
  if (typeof json !== "number" || !Number.isInteger(json) || json < 0 || json > maxHeight)
    throw invalid(method);
  return blockHeight(json);
}

function decoded<T>(method: string, hex: string, decode: (bytes: Uint8Array) => T): T {
  if (hex.length % 2 !== 0 || !/^[0-9a-f]*$/.test(hex)) throw invalid(method);
  try {
    return decode(fromHex(hex));
  } catch (error) {
    if (error instanceof BitcoinDecodeError) throw invalid(method);
    throw error;
  }
}

function invalid(method: string): ChainSourceError {
  return new ChainSourceError(
    "invalid-answer",
    `the server's answer to ${method} is not what the Electrum protocol says`,
    "use another server",
  );
}
