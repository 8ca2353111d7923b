import type { BlockHeader, MerkleProof } from "@fulmen/bitcoin/block";
import type { Txid } from "@fulmen/bitcoin/primitives";
import type { Transaction } from "@fulmen/bitcoin/transaction";
import { ChainSourceError } from "../chainSourceError.ts";
import {
  type HeaderTip,
  type HistoryItem,
  HistoryTooLong,
  type TransactionClient,
} from "../transactions/index.ts";
import { readHeaders, readHistory, readMerkleProof, readTransaction } from "./answers.ts";
import { isOverload } from "./rpcMessage.ts";
import { type ScriptHash, scriptHashOf } from "./scriptHash.ts";
import { hasStatus } from "./scriptStatus.ts";
import { type ElectrumSession, refused } from "./session.ts";

interface KnownHistory {
  /** What the server called this history by. */
  readonly status: string;
  /** Or why the server does not give them. */
  readonly items: readonly HistoryItem[] | HistoryTooLong;
}

/** Headers of one answer; servers give at least a whole retarget interval. */
const maxHeaders = 2_016;
/** Rounds after which a script that nobody asks for is forgotten. */
const roundsUntilForgotten = 20;
/** Times that a history is asked for which is not that of its status: it may have changed just now. */
const maxAttempts = 3;
/** Transactions in the histories that are remembered. */
const maxRemembered = 200_000;

/**
 * A server's answers as the sync wants them. Histories are remembered by their status, also from one session to the
 * next, so that only those are asked for that have changed.
 */
export class ElectrumTransactionClient implements TransactionClient {
  readonly maxConcurrency: number;
  readonly maxHeaders = maxHeaders;
  readonly isToldOfChanges = true;
  readonly #session: () => Promise<ElectrumSession>;
  readonly #histories = new Map<ScriptHash, KnownHistory>();
  /** Scripts with a subscription, and the last round in which they were asked for. */
  readonly #lastAsked = new Map<ScriptHash, number>();
  #remembered = 0;
  #round = 0;

  constructor(session: () => Promise<ElectrumSession>, maxConcurrency: number) {
    this.#session = session;
    this.maxConcurrency = maxConcurrency;
  }

  async tip(): Promise<HeaderTip> {
    return (await this.#session()).tip;
  }

  async headers(from: number, count: number): Promise<readonly BlockHeader[]> {
    return headersFrom(await this.#session(), from, count);
  }

  async scriptHistory(script: Uint8Array): Promise<readonly HistoryItem[]> {
    const hash = scriptHashOf(script);
    this.#lastAsked.set(hash, this.#round);
    const session = await this.#session();
    for (let attempt = 1; ; attempt++) {
      const status = await session.statusOf(hash, attempt === 1 ? "known" : "asked");
      const known = this.#histories.get(hash);
      if (known !== undefined && known.status === status) {
        if (known.items instanceof HistoryTooLong) throw known.items;
        return known.items;
      }
      this.#drop(hash);
      if (status === null) return [];
      // If it changes meanwhile, the status does too, and it is asked for again.
      const answer = await session.ask("blockchain.scripthash.get_history", [hash]);
      if (!answer.ok) {
        const error = refused(session.address, "blockchain.scripthash.get_history", answer.error);
        if (error instanceof HistoryTooLong) this.#remember(hash, { status, items: error });
        throw error;
      }
      const history = readHistory(answer.value);
      const items = history.map(({ txid, height }) => ({ txid, height: height > 0 ? height : undefined }));
      const isWhole = hasStatus(history, status);
      if (isWhole === true) this.#remember(hash, { status, items });
      if (isWhole !== false) return items;
      if (attempt === maxAttempts) throw contradiction(session);
    }
  }

  transaction(txid: Txid): Promise<Transaction | undefined> {
    return this.#session().then((session) => fetchTransaction(session, txid));
  }

  async merkleProof(txid: Txid, height: number): Promise<MerkleProof | undefined> {
    const session = await this.#session();
    const answer = await session.ask("blockchain.transaction.get_merkle", [txid, height]);
    if (answer.ok) return readMerkleProof(answer.value);
    if (isOverload(answer.error)) {
      throw refused(session.address, "blockchain.transaction.get_merkle", answer.error);
    }
    // Whether it is in another block, in none, or above the tip: it is not there.
    return undefined;
  }

  /** A round has ended well: what nobody asks for any more is forgotten in time. */
  endRound(session: ElectrumSession): void {
    this.#round++;
    for (const [hash, round] of this.#lastAsked) {
      if (round + roundsUntilForgotten > this.#round) continue;
      this.#lastAsked.delete(hash);
      this.#drop(hash);
      session.forget(hash);
    }
  }

  #remember(hash: ScriptHash, history: KnownHistory): void {
    this.#drop(hash);
    this.#histories.set(hash, history);
    this.#remembered += sizeOf(history);
    for (const oldest of this.#histories.keys()) {
      if (this.#remembered <= maxRemembered || oldest === hash) break;
      this.#drop(oldest);
    }
  }

  #drop(hash: ScriptHash): void {
    const known = this.#histories.get(hash);
    if (known === undefined) return;
    this.#histories.delete(hash);
    this.#remembered -= sizeOf(known);
  }
}

function sizeOf({ items }: KnownHistory): number {
  return items instanceof HistoryTooLong ? 1 : items.length;
}

/** Headers of the server's chain from a height on: `count` of them, or as many as there are. */
export async function headersFrom(
  session: ElectrumSession,
  from: number,
  count: number,
): Promise<readonly BlockHeader[]> {
  const most = Math.min(count, maxHeaders);
  return readHeaders(await session.demand("blockchain.block.headers", [from, most]), most);
}

/** A transaction that the server has, in a block or not; `undefined` when it has none of this id. */
export async function fetchTransaction(
  session: ElectrumSession,
  txid: Txid,
): Promise<Transaction | undefined> {
  const answer = await session.ask("blockchain.transaction.get", [txid]);
  if (answer.ok) return readTransaction(answer.value);
  if (/no such|not found|missing|unknown tx|no information/i.test(answer.error.message)) return undefined;
  throw refused(session.address, "blockchain.transaction.get", answer.error);
}

function contradiction({ address }: ElectrumSession): ChainSourceError {
  return new ChainSourceError(
    "invalid-answer",
    `${address.name} gives a history of a script that is not the one it told of`,
    "try again, or use another server",
  );
}
