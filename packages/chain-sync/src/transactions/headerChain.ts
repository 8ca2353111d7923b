import { type BlockHeader, blockHash, targetFromBits } from "@fulmen/bitcoin/block";
import type { Network } from "@fulmen/bitcoin/network";
import type { BlockHash } from "@fulmen/bitcoin/primitives";
import { blockHeight, present } from "@fulmen/lightning/util";
import { ChainSourceError } from "../chainSourceError.ts";
import { difficultyComplaint, hasWorkAt, retargetInterval } from "../headers/difficulty.ts";
import { invalidChain, type KnownHeader } from "../headers/index.ts";
import { ChainMoved } from "./chainMoved.ts";
import { mapLimited } from "./mapLimited.ts";
import type { HeaderTip, TransactionClient } from "./transactionClient.ts";

/** Answers' worth of headers that are fetched to link what is near the tip. */
const linkedAnswers = 20;
/** Single headers that are kept. */
const maxSingles = 5_000;

/**
 * What is known of a server's chain of headers: a row of linked ones that ends in the tip, and single ones below it,
 * which only their proof of work speaks for. What is in the row was as expensive to make as the chain itself.
 */
export class HeaderChain {
  readonly #client: TransactionClient;
  readonly #network: Network;
  /** How far below the tip headers are linked. */
  readonly #linkedDepth: number;
  /** Rising, without a gap, the tip last. */
  #row: readonly KnownHeader[] = [];
  /** Whether the server has not confirmed any of it yet. */
  #isRecalled = false;
  readonly #singles = new Map<number, KnownHeader>();

  constructor(client: TransactionClient, network: Network) {
    this.#client = client;
    this.#network = network;
    this.#linkedDepth = Math.min(retargetInterval, Math.max(144, linkedAnswers * client.maxHeaders));
  }

  /** Linked headers, rising, the tip last. */
  get row(): readonly KnownHeader[] {
    return this.#row;
  }

  /** Begins with a row of an earlier chain: where the server's leaves it, it is followed as after a reorganisation. */
  recall(row: readonly KnownHeader[]): void {
    this.#row = row;
    this.#isRecalled = true;
  }

  get tip(): KnownHeader | undefined {
    return this.#row.at(-1);
  }

  /** What is known of the block at this height of the chain. */
  known(height: number): KnownHeader | undefined {
    const [first] = this.#row;
    return (first && this.#row[height - first.height]) ?? this.#singles.get(height);
  }

  /** The height of a linked block; for who knows another one of the same block. */
  heightOf(hash: BlockHash): number | undefined {
    return this.#row.find((each) => each.hash === hash)?.height;
  }

  /** Takes a tip, links it with what is known, and learns the headers at `heights`, which are not above it. */
  async moveTo(tip: HeaderTip, heights: readonly number[]): Promise<KnownHeader> {
    const top = await this.#follow(tip).catch((error: unknown) => {
      if (!this.#isRecalled || !isInvalidChain(error)) throw error;
      // What another server told before the start must not keep us from this one.
      this.#row = [];
      return this.#follow(tip);
    });
    this.#isRecalled = false;
    await this.learn(heights);
    return top;
  }

  async #follow({ header, height }: HeaderTip): Promise<KnownHeader> {
    const top = this.#checked(header, height);
    const isTip = top.hash === this.tip?.hash && top.height === this.tip.height;
    if (!isTip) await this.#link(top);
    return top;
  }

  /** Makes the headers at these heights known, which are not above the tip. */
  async learn(heights: readonly number[]): Promise<void> {
    const { tip } = this;
    if (tip === undefined) return;
    const missing = [...new Set(heights)].filter((height) => this.known(height) === undefined);
    const linked = missing.filter((height) => height >= tip.height - this.#linkedDepth);
    if (linked.length > 0) await this.#extendDownTo(Math.min(...linked));
    const single = missing.filter((height) => this.known(height) === undefined);
    await mapLimited(single, this.#client.maxConcurrency, (height) => this.#learnSingle(height, tip));
  }

  /**
   * As `learn`, but linked with the tip for a whole retarget interval: what a header does not say is its height, and
   * only those in between show that there are as many blocks as a server says.
   */
  async learnLinked(height: number): Promise<void> {
    const { tip } = this;
    if (tip !== undefined && tip.height - height <= retargetInterval) await this.#extendDownTo(height);
    await this.learn([height]);
  }

  /** Down to what is known already, or as far as there is a row to link with. */
  async #link(top: KnownHeader): Promise<void> {
    const old = this.#row;
    const first = old[0]?.height ?? top.height;
    const lowest = Math.max(first, top.height - this.#linkedDepth);
    const falling = [top];
    const isJoined = (each: KnownHeader) => old[each.height - 1 - first]?.hash === each.header.previous;
    for (let last = top; !isJoined(last); ) {
      if (last.height <= lowest) {
        // Nothing in common: what was known of this chain need not be true any more.
        this.#singles.clear();
        return this.#setRow(falling.reverse(), { checkedFrom: 1 });
      }
      for (const each of await this.#fetchBelow(last, lowest)) {
        falling.push(each);
        last = each;
        if (isJoined(each)) break;
      }
    }
    const lowestNew = (falling.at(-1) ?? top).height;
    const kept = old.slice(0, lowestNew - first);
    this.#setRow([...kept, ...falling.reverse()], { checkedFrom: kept.length });
  }

  async #extendDownTo(lowest: number): Promise<void> {
    const { maxHeaders, maxConcurrency } = this.#client;
    const [first] = this.#row;
    if (first === undefined || first.height <= lowest) return;
    const ends: number[] = [];
    for (let end: number = first.height; end > lowest; end -= maxHeaders) ends.push(end);
    const answers = await mapLimited(ends, maxConcurrency, (end) => this.#headersBelow(end, lowest));
    const falling: KnownHeader[] = [];
    for (const headers of answers) falling.push(...this.#linked(headers, falling.at(-1) ?? first));
    this.#setRow([...falling.reverse(), ...this.#row], { checkedFrom: 1, checkedTo: falling.length });
  }

  /** One answer's worth of the headers right below a known one, falling; at least one. */
  async #fetchBelow(above: KnownHeader, lowest: number): Promise<readonly KnownHeader[]> {
    return this.#linked(await this.#headersBelow(above.height, lowest), above);
  }

  /** One answer's worth of the headers below a height, as the server gives them, rising. */
  async #headersBelow(end: number, lowest: number): Promise<readonly BlockHeader[]> {
    const from = Math.max(lowest, end - this.#client.maxHeaders, 0);
    const headers = await this.#client.headers(from, end - from);
    if (headers.length === end - from) return headers;
    throw new ChainMoved("invalid-answer", `no headers from height ${from} to ${end}`);
  }

  /** Headers that rise to right below a known one, falling: each is the one that the next builds on. */
  #linked(headers: readonly BlockHeader[], above: KnownHeader): readonly KnownHeader[] {
    const from = above.height - headers.length;
    const falling: KnownHeader[] = [];
    let last = above;
    for (let i = headers.length - 1; i >= 0; i--) {
      const header = headers[i] as BlockHeader;
      const each = this.#checked(header, from + i);
      if (each.hash !== last.header.previous) {
        const message = `block ${each.height} is not the one that block ${last.height} builds on`;
        throw new ChainMoved("invalid-chain", message);
      }
      falling.push(each);
      last = each;
    }
    return falling;
  }

  async #learnSingle(height: number, tip: KnownHeader): Promise<void> {
    const [header] = await this.#client.headers(height, 1);
    if (header === undefined) throw new ChainMoved("invalid-answer", `no header at height ${height}`);
    const single = this.#checked(header, height);
    const retargets = 1 + Math.ceil((tip.height - height) / retargetInterval);
    if (isTooEasy(single.header, tip.header, { network: this.#network, retargets })) {
      throw invalidChain(`the block at height ${height} has too little proof of work`);
    }
    this.#singles.set(height, single);
    const [oldest] = this.#singles.keys();
    if (this.#singles.size > maxSingles && oldest !== undefined) this.#singles.delete(oldest);
  }

  #checked(header: BlockHeader, height: number): KnownHeader {
    const hash = blockHash(header);
    if (!hasWorkAt(header, height, this.#network, hash)) {
      throw invalidChain(`the block at height ${height} has no proof of work, or too little`);
    }
    const { tip } = this;
    if (tip !== undefined && height > tip.height - retargetInterval) {
      const retargets = 1 + Math.ceil(Math.abs(height - tip.height) / retargetInterval);
      if (isTooEasy(header, tip.header, { network: this.#network, retargets })) {
        throw invalidChain(`the block at height ${height} has too little proof of work`);
      }
    }
    return { header, hash, height: blockHeight(height) };
  }

  /** Checks that those from one place to another have the targets that follow from those before them. */
  #setRow(
    row: readonly KnownHeader[],
    {
      checkedFrom,
      checkedTo = row.length - 1,
    }: { readonly checkedFrom: number; readonly checkedTo?: number },
  ): void {
    for (let i = checkedFrom; i <= checkedTo; i++) {
      const { header, height } = present(row[i], "a header of the row");
      const complaint = difficultyComplaint(header, height, (back) => row[i - back]?.header, this.#network);
      if (complaint !== undefined) throw invalidChain(`block ${height} is invalid: ${complaint}`);
    }
    const most = 2 * retargetInterval;
    this.#row = row.length > most ? row.slice(row.length - retargetInterval) : row;
  }
}

function isInvalidChain(error: unknown): boolean {
  return error instanceof ChainSourceError && error.code === "invalid-chain";
}

/**
 * Whether a target is further from that of a known block than as many retargets can bring it. Test networks have
 * exceptions.
 */
function isTooEasy(
  header: BlockHeader,
  known: BlockHeader,
  { network, retargets }: { readonly network: Network; readonly retargets: number },
): boolean {
  if (network.name === "testnet" || network.name === "testnet4") return false;
  const [target, reference] = [targetFromBits(header.bits), targetFromBits(known.bits)];
  if (target === undefined || reference === undefined) return true;
  // The compact form rounds down.
  return target > (reference << BigInt(2 * retargets)) + (reference >> 8n);
}
