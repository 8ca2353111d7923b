import type { NetworkName } from "@fulmen/bitcoin/network";
import type { ConfirmationTarget, FeeEstimator } from "@fulmen/lightning/chain";
import { type FeeratePerKw, feeratePerKw, maxOf } from "@fulmen/lightning/util";
import type { FeerateTable } from "../chainSource.ts";
import {
  blocksOfTarget,
  ceilingFeerate,
  defaultFeerate,
  floorFeerate,
  mostAskedOfPeers,
  unhurriedBlocks,
  unhurriedCeiling,
} from "./feeBounds.ts";

/** Numbers of blocks for which an estimate is kept; what is asked for between two gets the dearer one. */
const steps = [1, 2, 3, 6, 12, 24, 144, 1_008] as const;

/** An estimate counts for so long after its source was heard of last. */
const keptSeconds = 6 * 3_600;
/** By what factor an estimate may rise or fall in ten minutes. */
const rise = 4;
const fall = 2;
const changeSeconds = 600;
/** Sources that are first heard of so soon after the first one count from the start. */
const settleSeconds = 10;
/** Sources that are remembered; the one that was heard of longest ago goes first. */
const mostSources = 16;

/** What one source says, made sane: for each of `steps`, falling. */
interface SaneTable {
  readonly feerates: readonly number[];
  readonly heardAt: number;
}

interface FeeEstimatesOptions {
  readonly network: NetworkName;
  /**
   * The most that those pay who can wait for six blocks and more; 50,000 (200 satoshis per virtual byte) when not
   * given.
   */
  readonly unhurriedMost?: FeeratePerKw;
}

/**
 * Feerates from memory, made of what several sources say now and then. Each source is clamped to what can be on its
 * network, and to less for those who can wait; several are averaged (the median, of two the geometric mean); the result
 * moves by a limited factor in ten minutes. What was heard last counts for six hours, after that there are defaults. So
 * one bad estimate is neither ruinous nor a reason to close a channel.
 *
 * What a peer must pay at the least is low by design: 253 with anchors, where a child pays for what is missing; without
 * them the least that any source says for a week, less 250, and 5,000 at most, which after a start it takes some half
 * an hour to reach.
 *
 * @ldk FeeEstimator
 */
export class FeeEstimates implements FeeEstimator {
  readonly #network: NetworkName;
  readonly #unhurriedMost: number;
  readonly #sources = new Map<string, SaneTable>();
  #now = 0;
  /** For each of `steps`, when they were moved last, and since when there are any; absent while nothing is known. */
  #current: { readonly feerates: readonly number[]; readonly at: number; readonly since: number } | undefined;

  constructor({ network, unhurriedMost = unhurriedCeiling }: FeeEstimatesOptions) {
    this.#network = network;
    this.#unhurriedMost = Number(maxOf(unhurriedMost, floorFeerate));
  }

  /** What a source says, at this Unix second. A table without targets is passed over. */
  update(sourceName: string, table: FeerateTable, now: number): void {
    const feerates = this.#sane(table);
    if (feerates !== undefined) {
      const isNew = !this.#sources.has(sourceName);
      if (isNew && this.#current !== undefined && now - this.#current.since <= settleSeconds)
        this.#current = undefined;
      this.#sources.delete(sourceName);
      this.#sources.set(sourceName, { feerates, heardAt: Math.max(this.#now, now) });
      for (const oldest of this.#sources.keys()) {
        if (this.#sources.size <= mostSources) break;
        this.#sources.delete(oldest);
      }
    }
    this.passTime(now);
  }

  /** Forgets what is too old: call it now and then where sources may be silent. */
  passTime(now: number): void {
    this.#now = Math.max(this.#now, now);
    for (const [name, { heardAt }] of this.#sources) {
      if (this.#now - heardAt > keptSeconds) this.#sources.delete(name);
    }
    const wanted = steps.map((_, step) => average(this.#said(step)));
    if (wanted.some(Number.isNaN)) this.#current = undefined;
    else this.#move(wanted);
  }

  /** An estimate, at once; never below 253. */
  feerate(target: ConfirmationTarget): FeeratePerKw {
    if (this.#current === undefined) return defaultFeerate(this.#network, target);
    switch (target) {
      case "min-allowed-anchor-channel-remote-fee":
        return floorFeerate;
      case "min-allowed-non-anchor-channel-remote-fee":
        return this.#askedOfPeers(this.#current.since);
      case "maximum-fee-estimate":
      case "urgent-on-chain-sweep":
      case "non-anchor-channel-fee":
      case "output-spending-fee":
      case "channel-close-minimum":
      case "anchor-channel-fee":
        return this.forBlocks(blocksOfTarget[target]);
    }
  }

  /** With which a transaction confirms within so many blocks, from 1 on: for wallets. */
  forBlocks(blocks: number): FeeratePerKw {
    const step = steps.findLastIndex((each) => each <= blocks);
    const feerate = this.#current?.feerates[Math.max(step, 0)];
    if (feerate === undefined) {
      return defaultFeerate(this.#network, blocks <= 6 ? "urgent-on-chain-sweep" : "output-spending-fee");
    }
    return maxOf(feeratePerKw(Math.round(feerate)), floorFeerate);
  }

  /** Begins at the floor: the first thing that is heard after a start may be wrong. */
  #askedOfPeers(since: number): FeeratePerKw {
    const least = Math.min(...this.#said(steps.length - 1), Number(this.forBlocks(1_008))) - 250;
    const most = Math.min(
      Number(floorFeerate) * rise ** ((this.#now - since) / changeSeconds),
      Number(mostAskedOfPeers),
    );
    return maxOf(feeratePerKw(Math.round(Math.max(Math.min(least, most), 0))), floorFeerate);
  }

  #said(step: number): readonly number[] {
    return [...this.#sources.values()].map(({ feerates }) => feerates[step] ?? Number.NaN);
  }

  #sane({ targets, minimum }: FeerateTable): readonly number[] | undefined {
    const [first] = targets;
    if (first === undefined) return undefined;
    const [floor, ceiling] = [Number(floorFeerate), Number(ceilingFeerate(this.#network))];
    const clamped = (feerate: bigint): number => Math.min(Math.max(Number(feerate), floor), ceiling);
    const sane = steps.map((blocks) => {
      const said = targets.findLast((target) => target.blocks <= blocks) ?? first;
      const believed = Math.max(clamped(said.feerate), clamped(minimum));
      return blocks < unhurriedBlocks ? believed : Math.min(believed, this.#unhurriedMost);
    });
    // Who waits for less time never pays less.
    for (let i = sane.length - 2; i >= 0; i--) sane[i] = Math.max(sane[i] ?? 0, sane[i + 1] ?? 0);
    return sane;
  }

  #move(wanted: readonly number[]): void {
    const before = this.#current;
    if (before === undefined) {
      this.#current = { feerates: wanted, at: this.#now, since: this.#now };
      return;
    }
    const time = (this.#now - before.at) / changeSeconds;
    if (time === 0) return;
    const feerates = wanted.map((feerate, step) => {
      const last = before.feerates[step] ?? feerate;
      return Math.min(Math.max(feerate, last / fall ** time), last * rise ** time);
    });
    this.#current = { feerates, at: this.#now, since: before.since };
  }
}

/** The median; of an even number the geometric mean of the middle two; `NaN` of none. */
function average(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : Math.sqrt(upper * (sorted[middle - 1] ?? Number.NaN));
}
