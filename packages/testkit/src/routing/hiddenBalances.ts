import type { Dice } from "../network/index.ts";
import { fraction } from "./draws.ts";
import type { GraphDump } from "./graphDump.ts";

/**
 * How a channel's money is split between its sides. `uniform`: any split is as likely as any other. `bimodal`: nearly
 * all of it is on one side, as payments that always flow one way leave it; that is what measurements of mainnet found.
 */
export type BalanceKind = "uniform" | "bimodal";

/** What the poorer side of a bimodal channel holds is exponential with this mean, as a share of the capacity. */
const poorerShare = 0.1;

/**
 * What nobody but its two nodes knows of a channel: how much each side can send. A direction is `2 * channel` from node
 * one, with `channel` the index in the dump, and `2 * channel + 1` back. Whole msat, exact below 2^53.
 */
export class HiddenBalances {
  readonly #kind: BalanceKind;
  /** By channel: all of it. */
  readonly #capacity: Float64Array;
  /** By direction: what is there to be sent, nor held. */
  readonly #available: Float64Array;

  constructor({ channels }: GraphDump, kind: BalanceKind, dice: Dice) {
    this.#kind = kind;
    this.#capacity = Float64Array.from(channels, ({ capacity }) => capacity * 1000);
    this.#available = new Float64Array(2 * channels.length);
    for (let channel = 0; channel < channels.length; channel++) this.redraw(channel, dice);
  }

  available(direction: number): number {
    return this.#available[direction] ?? 0;
  }

  /** Draws the split of this channel anew; nothing of it may be held. */
  redraw(channel: number, dice: Dice): void {
    const capacity = this.#capacity[channel] ?? 0;
    const share = this.#kind === "uniform" ? fraction(dice) : bimodalShare(dice);
    const ofOne = Math.round(share * capacity);
    this.#available[2 * channel] = ofOne;
    this.#available[2 * channel + 1] = capacity - ofOne;
  }

  /** Puts an HTLC on the channel; `false` where there is not so much. */
  hold(direction: number, amount: number): boolean {
    const rest = this.available(direction) - amount;
    if (rest < 0) return false;
    this.#available[direction] = rest;
    return true;
  }

  /** An HTLC that was held is failed: its sender has it again. */
  release(direction: number, amount: number): void {
    this.#available[direction] = this.available(direction) + amount;
  }

  /** An HTLC that was held is fulfilled: the other side has it. */
  settle(direction: number, amount: number): void {
    this.release(direction ^ 1, amount);
  }

  /** What both sides of a channel have; less than the capacity only while something is held. */
  total(channel: number): number {
    return this.available(2 * channel) + this.available(2 * channel + 1);
  }
}

function bimodalShare(dice: Dice): number {
  const isPoor = fraction(dice) < 0.5;
  const poorest = 1 - Math.exp(-1 / poorerShare);
  const share = -poorerShare * Math.log(1 - fraction(dice) * poorest);
  return isPoor ? share : 1 - share;
}
