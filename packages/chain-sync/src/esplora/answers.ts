import { type BlockHeader, blockHash, type MerkleProof, type MerkleRoot } from "@fulmen/bitcoin/block";
import { type BlockHash, fromHex, type Sat, type Txid } from "@fulmen/bitcoin/primitives";
import type { Transaction, TxIn, TxOut } from "@fulmen/bitcoin/transaction";
import { boundedJson } from "../boundedJson.ts";
import type { HistoryItem } from "../transactions/index.ts";

/** An answer that is not what the API says; `message` says which part. */
export class MalformedAnswer extends Error {
  override readonly name = "MalformedAnswer";
}

type Fields = Readonly<Record<string, unknown>>;

/** The JSON of an answer. */
export function jsonOf(text: string): unknown {
  try {
    return boundedJson(text);
  } catch {
    throw new MalformedAnswer("an answer is no JSON");
  }
}

export function hash(value: unknown): string {
  if (typeof value === "string" && /^[0-9a-f]{64}$/i.test(value)) return value.toLowerCase();
  throw new MalformedAnswer("something is no hash");
}

export function list(value: unknown): readonly unknown[] {
  if (Array.isArray(value)) return value;
  throw new MalformedAnswer("something is no list");
}

/** A block of `/blocks` or `/block/:hash`, whose header was hashed: it is the one that its id names. */
export interface BlockAnswer {
  readonly header: BlockHeader;
  readonly hash: BlockHash;
  readonly height: number;
}

export function block(value: unknown): BlockAnswer {
  const each = fields(value);
  const height = integer(each["height"]);
  const header: BlockHeader = {
    version: integer(each["version"], -0x8000_0000) | 0,
    // The first block has no one before it.
    previous: (each["previousblockhash"] == null ? noHash : hash(each["previousblockhash"])) as BlockHash,
    merkleRoot: hash(each["merkle_root"]) as MerkleRoot,
    time: u32(each["timestamp"]),
    bits: u32(each["bits"]),
    nonce: u32(each["nonce"]),
  };
  const id = blockHash(header);
  if (id !== hash(each["id"])) throw new MalformedAnswer(`block ${height} is not the one that its id names`);
  return { header, hash: id, height };
}

/** A transaction with where it is. */
export function historyItem(value: unknown): HistoryItem {
  const each = fields(value);
  return {
    txid: hash(each["txid"]) as Txid,
    height: confirmedHeight(each["status"]),
    transaction: transaction(each),
  };
}

/** Of `/tx/:txid/status`, or the same inside of another answer: the height, or `undefined` in the mempool. */
export function confirmedHeight(status: unknown): number | undefined {
  const each = fields(status);
  return each["confirmed"] === true ? integer(each["block_height"]) : undefined;
}

/** Of `/tx/:txid/outspend/:vout`: what spends the output. */
export function spender(value: unknown): HistoryItem | undefined {
  const each = fields(value);
  if (each["spent"] !== true) return undefined;
  return { txid: hash(each["txid"]) as Txid, height: confirmedHeight(each["status"]) };
}

/** Of `/tx/:txid/merkle-proof`, with the height of the block that it is about. */
export function proof(value: unknown): MerkleProof & { readonly height: number } {
  const each = fields(value);
  return {
    height: integer(each["block_height"]),
    position: integer(each["pos"]),
    siblings: list(each["merkle"]).map((one) => hash(one) as Txid),
  };
}

/** Of `/fee-estimates`: satoshis per virtual byte by the number of blocks, rising. */
export function feeEstimates(
  value: unknown,
): readonly { readonly blocks: number; readonly satPerVbyte: number }[] {
  const estimates = Object.entries(fields(value)).flatMap(([blocks, satPerVbyte]) => {
    const isUsable = /^[1-9]\d{0,5}$/.test(blocks) && typeof satPerVbyte === "number" && satPerVbyte > 0;
    return isUsable ? [{ blocks: Number(blocks), satPerVbyte }] : [];
  });
  return estimates.sort((a, b) => a.blocks - b.blocks);
}

/** Of `/txs/package`: whether all were taken, and what was said of each that was not. */
export function packageOutcome(value: unknown): {
  readonly isTaken: boolean;
  readonly reasons: readonly string[];
} {
  const each = fields(value);
  const results = Object.values(fields(each["tx-results"] ?? {})).map(fields);
  const reasons = results.flatMap((result) => (typeof result["error"] === "string" ? [result["error"]] : []));
  return { isTaken: each["package_msg"] === "success", reasons };
}

const noHash = "00".repeat(32);

function transaction(each: Fields): Transaction {
  return {
    version: integer(each["version"], -0x8000_0000) | 0,
    inputs: list(each["vin"]).map(input),
    outputs: list(each["vout"]).map(output),
    locktime: u32(each["locktime"]),
  };
}

function input(value: unknown): TxIn {
  const each = fields(value);
  return {
    outPoint: { txid: hash(each["txid"]) as Txid, index: u32(each["vout"]) },
    scriptSig: bytes(each["scriptsig"] ?? ""),
    sequence: u32(each["sequence"]),
    witness: list(each["witness"] ?? []).map(bytes),
  };
}

function output(value: unknown): TxOut {
  const each = fields(value);
  return { value: BigInt(integer(each["value"])) as Sat, script: bytes(each["scriptpubkey"]) };
}

function fields(value: unknown): Fields {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Fields;
  throw new MalformedAnswer("something is no object");
}

function integer(value: unknown, least = 0): number {
  if (typeof value === "number" && Number.isSafeInteger(value) && value >= least) return value;
  throw new MalformedAnswer("something is no whole number");
}

function u32(value: unknown): number {
  const number = integer(value);
  if (number <= 0xffff_ffff) return number;
  throw new MalformedAnswer("a number is too large");
}

function bytes(value: unknown): Uint8Array {
  if (typeof value === "string" && /^(?:[0-9a-f]{2})*$/i.test(value)) return fromHex(value.toLowerCase());
  throw new MalformedAnswer("something is no hex");
}
