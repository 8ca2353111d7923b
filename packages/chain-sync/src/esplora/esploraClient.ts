import type { BlockHeader, MerkleProof } from "@fulmen/bitcoin/block";
import { crypto } from "@fulmen/bitcoin/crypto";
import { type BlockHash, type Txid, toHex } from "@fulmen/bitcoin/primitives";
import {
  BitcoinDecodeError,
  decodeTransaction,
  encodeTransaction,
  type Transaction,
  totalSize,
} from "@fulmen/bitcoin/transaction";
import { blockHeight } from "@fulmen/lightning/util";
import {
  type HeaderTip,
  type HistoryItem,
  HistoryTooLong,
  maxItems,
  type OutputsAnswer,
  type OutputsQuestion,
  type TransactionClient,
  tooManyItems,
} from "../transactions/index.ts";
import * as answers from "./answers.ts";
import { AnswerTooLarge, invalidAnswer, shown } from "./errors.ts";
import { type HttpClient, textOf } from "./httpClient.ts";

/** Blocks in one answer of `/blocks`. */
const blocksPerAnswer = 10;
/**
 * Fewer confirmed transactions than this on a page, and it is the last one: Esplora has 25 on a page, but whoever runs
 * a server can have other numbers, down to 10 as a default.
 */
const smallestPage = 10;
/** Pages of one script's history that are read, the newest first. */
const maxPages = 400;
/** Bytes of the transactions of one history that are kept as they come; others are asked for when their turn comes. */
const maxKeptBytes = 8_000_000;

/** What became of a question that a server can refuse. */
export type Posted =
  | { readonly kind: "ok"; readonly text: string }
  | { readonly kind: "refused"; readonly text: string }
  /** There is no such endpoint. */
  | { readonly kind: "unsupported" };

/** Asks a server that has Esplora's API. */
export class EsploraClient implements TransactionClient {
  readonly maxConcurrency: number;
  readonly maxHeaders = blocksPerAnswer;
  readonly isToldOfChanges = false;
  readonly #http: HttpClient;
  readonly #name: string;
  #tip: (HeaderTip & { readonly hash: BlockHash }) | undefined;

  constructor(http: HttpClient, name: string, concurrency: number) {
    this.#http = http;
    this.#name = name;
    this.maxConcurrency = concurrency;
  }

  async tipHash(): Promise<BlockHash> {
    return this.#read((text) => answers.hash(text.trim()) as BlockHash, await this.#text("/blocks/tip/hash"));
  }

  async tip(): Promise<HeaderTip> {
    const hash = await this.tipHash();
    if (this.#tip?.hash === hash) return this.#tip;
    const text = await this.#text(`/block/${hash}`);
    const { header, height, hash: found } = this.#read((json) => answers.block(answers.jsonOf(json)), text);
    if (found !== hash) throw invalidAnswer(this.#name, `block ${hash} was asked for, and ${found} came`);
    this.#tip = { header, height: blockHeight(height), hash };
    return this.#tip;
  }

  async headers(from: number, count: number): Promise<readonly BlockHeader[]> {
    const falling: BlockHeader[] = [];
    for (let height = from + Math.min(count, blocksPerAnswer) - 1; height >= from; ) {
      const text = await this.#textIfFound(`/blocks/${height}`);
      const blocks =
        text === undefined ? [] : this.#json(text, (json) => answers.list(json).map(answers.block));
      if (blocks.length === 0) return [];
      for (const each of blocks) {
        if (each.height !== height) throw invalidAnswer(this.#name, `block ${height} is missing in /blocks`);
        if (height >= from) falling.push(each.header);
        height--;
      }
    }
    return falling.reverse();
  }

  async blockHashAt(height: number): Promise<BlockHash | undefined> {
    const text = await this.#textIfFound(`/block-height/${height}`);
    return text === undefined
      ? undefined
      : this.#read((each) => answers.hash(each.trim()) as BlockHash, text);
  }

  async txidAt(block: BlockHash, index: number): Promise<Txid | undefined> {
    const text = await this.#textIfFound(`/block/${block}/txid/${index}`);
    return text === undefined ? undefined : this.#read((each) => answers.hash(each.trim()) as Txid, text);
  }

  async scriptHistory(
    script: Uint8Array,
    isSettled: (item: HistoryItem) => boolean,
  ): Promise<readonly HistoryItem[]> {
    const path = `/scripthash/${toHex(crypto().sha256(script))}/txs`;
    const items = new Map<Txid, HistoryItem>();
    let bytes = 0;
    const kept = (item: HistoryItem): HistoryItem => {
      const { transaction, ...rest } = item;
      bytes += transaction === undefined ? 0 : totalSize(transaction);
      return bytes > maxKeptBytes ? rest : item;
    };
    let page = await this.#page(path, items);
    for (let pages = 1; ; pages++) {
      const confirmed = page.filter(({ height, txid }) => height !== undefined && !items.has(txid));
      for (const item of page) if (!items.has(item.txid)) items.set(item.txid, kept(item));
      if (items.size > maxItems) throw tooManyItems();
      const last = confirmed.at(-1);
      if (last === undefined || confirmed.length < smallestPage) break;
      if (confirmed.some(isSettled)) break;
      if (pages === maxPages) {
        const message = `${this.#name} tells of more than ${items.size} transactions of one script`;
        throw new HistoryTooLong(message, [...items.values()]);
      }
      page = await this.#page(`${path}/chain/${last.txid}`, items);
    }
    return [...items.values()];
  }

  async outputs({ txid, indexes, wantsCreator }: OutputsQuestion): Promise<OutputsAnswer> {
    const [creator, spenders] = await Promise.all([
      wantsCreator ? this.#place(txid) : undefined,
      this.#spenders(txid, indexes),
    ]);
    return { creator, spenders };
  }

  async transaction(txid: Txid): Promise<Transaction | undefined> {
    const { status, body } = await this.#http.ask(`/tx/${txid}/raw`);
    if (status === "not-found") return undefined;
    if (status === "refused") throw this.#refused(body);
    try {
      return decodeTransaction(body);
    } catch (error) {
      if (!(error instanceof BitcoinDecodeError)) throw error;
      throw invalidAnswer(this.#name, `what was given as transaction ${txid} is none`);
    }
  }

  async merkleProof(txid: Txid, height: number): Promise<MerkleProof | undefined> {
    const text = await this.#textIfFound(`/tx/${txid}/merkle-proof`);
    const found = text === undefined ? undefined : this.#json(text, answers.proof);
    return found?.height === height ? found : undefined;
  }

  /** The confirmed transaction that spends an output, or an unconfirmed one; `undefined` where none does. */
  async spender(txid: Txid, index: number): Promise<HistoryItem | undefined> {
    const text = await this.#textIfFound(`/tx/${txid}/outspend/${index}`);
    return text === undefined ? undefined : this.#json(text, answers.spender);
  }

  async feeEstimates(): Promise<ReturnType<typeof answers.feeEstimates>> {
    return this.#json(await this.#text("/fee-estimates"), answers.feeEstimates);
  }

  async postTransaction(transaction: Transaction): Promise<Posted> {
    return this.#post("/tx", toHex(encodeTransaction(transaction)));
  }

  async postPackage(transactions: readonly Transaction[]): Promise<Posted> {
    const body = JSON.stringify(transactions.map((each) => toHex(encodeTransaction(each))));
    return this.#post("/txs/package", body);
  }

  /** What a package's text says. */
  packageOutcome(text: string): ReturnType<typeof answers.packageOutcome> {
    return this.#json(text, answers.packageOutcome);
  }

  async #post(path: string, body: string): Promise<Posted> {
    const { status, body: answer } = await this.#http.ask(path, body);
    const text = textOf(answer);
    if (status === "ok") return { kind: "ok", text };
    const isUnsupported = status === "not-found" || /endpoint does not exist/i.test(text);
    return isUnsupported ? { kind: "unsupported" } : { kind: "refused", text };
  }

  async #place(txid: Txid): Promise<HistoryItem | undefined> {
    const { status, body } = await this.#http.ask(`/tx/${txid}`);
    if (status !== "ok") return undefined;
    return this.#json(textOf(body), answers.historyItem);
  }

  async #spenders(txid: Txid, indexes: readonly number[]): Promise<readonly HistoryItem[]> {
    const [index] = indexes;
    if (index === undefined) return [];
    if (indexes.length === 1) {
      const found = await this.spender(txid, index);
      return found === undefined ? [] : [found];
    }
    const text = await this.#textIfFound(`/tx/${txid}/outspends`);
    if (text === undefined) return [];
    const all = this.#json(text, (json) => answers.list(json).map(answers.spender));
    return indexes.flatMap((each) => all[each] ?? []);
  }

  /** A page of a history of which these are known already. */
  async #page(path: string, known: ReadonlyMap<Txid, HistoryItem>): Promise<readonly HistoryItem[]> {
    try {
      const text = await this.#text(path);
      return this.#json(text, (json) => answers.list(json).map(answers.historyItem));
    } catch (error) {
      if (!(error instanceof AnswerTooLarge)) throw error;
      // Who pays to an address decides how large the transactions are by which he does.
      throw new HistoryTooLong(error.message, [...known.values()]);
    }
  }

  async #text(path: string): Promise<string> {
    const text = await this.#textIfFound(path);
    if (text === undefined) throw invalidAnswer(this.#name, `it has no ${shown(path)}`);
    return text;
  }

  async #textIfFound(path: string): Promise<string | undefined> {
    const { status, body } = await this.#http.ask(path);
    if (status === "not-found") return undefined;
    if (status === "refused") throw this.#refused(body);
    return textOf(body);
  }

  #json<T>(text: string, read: (json: unknown) => T): T {
    return this.#read((each) => read(answers.jsonOf(each)), text);
  }

  #read<T>(read: (text: string) => T, text: string): T {
    try {
      return read(text);
    } catch (error) {
      if (!(error instanceof answers.MalformedAnswer)) throw error;
      throw invalidAnswer(this.#name, `${error.message}: ${shown(text.slice(0, 1_000))}`);
    }
  }

  #refused(body: Uint8Array): Error {
    return invalidAnswer(this.#name, `it refuses: ${shown(textOf(body.subarray(0, 1_000)))}`);
  }
}
