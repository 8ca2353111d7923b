import type { HtlcSource } from "../channel/disposition.ts";
import type { InFlightHtlcs } from "../routing/route.ts";
import { toHex } from "../util/bytes.ts";
import type { NodeId, ShortChannelId } from "../util/ids.ts";
import { type Msat, minus, minusOrZero, plus, zeroMsat } from "../util/units.ts";

/** What an outgoing HTLC of ours says of the payment it belongs to. */
export type LocalSource = Extract<HtlcSource, { readonly kind: "local" }>;

/** An HTLC that is offered, or on its way to be. */
export interface PartInFlight {
  readonly source: LocalSource;
  /** What leaves us: the part and its fees. */
  readonly htlcAmount: Msat;
}

/**
 * The parts of one payment that are under way. Each has a session key of its own: two of one amount are not mistaken.
 */
export class PartsInFlight {
  readonly #parts = new Map<string, PartInFlight>();
  #amount: Msat = zeroMsat;
  #fees: Msat = zeroMsat;

  get size(): number {
    return this.#parts.size;
  }

  /** What the recipient gets by all of them. */
  get amount(): Msat {
    return this.#amount;
  }

  get fees(): Msat {
    return this.#fees;
  }

  /** What they are worth to whoever plans more. */
  values(): Iterable<PartInFlight> {
    return this.#parts.values();
  }

  add(part: PartInFlight): void {
    const key = keyOf(part.source);
    if (this.#parts.has(key)) return;
    this.#parts.set(key, part);
    this.#amount = plus(this.#amount, part.source.amount);
    this.#fees = plus(this.#fees, feeOf(part));
  }

  /** The part that was there; `undefined` when it had gone before. */
  remove(source: LocalSource): PartInFlight | undefined {
    const key = keyOf(source);
    const part = this.#parts.get(key);
    if (part === undefined) return undefined;
    this.#parts.delete(key);
    this.#amount = minus(this.#amount, part.source.amount);
    this.#fees = minus(this.#fees, feeOf(part));
    return part;
  }
}

/** What all our HTLCs under way take of channels that are not ours. @ldk lightning::routing::router::InFlightHtlcs */
export class LiquidityInFlight {
  readonly #byChannel = new Map<ShortChannelId, Map<NodeId, Msat>>();

  add(part: PartInFlight): void {
    this.#change(part, plus);
  }

  remove(part: PartInFlight): void {
    this.#change(part, minusOrZero);
  }

  list(): readonly InFlightHtlcs[] {
    const list: InFlightHtlcs[] = [];
    for (const [shortChannelId, directions] of this.#byChannel) {
      for (const [source, amount] of directions) list.push({ shortChannelId, source, amount });
    }
    return list;
  }

  /**
   * Each channel counts for what left us, which is its amount and some fees of those behind it. Our own channels do not
   * count: they tell what they can still carry.
   */
  #change({ source: { path }, htlcAmount }: PartInFlight, change: (a: Msat, b: Msat) => Msat): void {
    for (let i = 1; i < path.length; i++) {
      const source = path[i - 1]?.nodeId;
      const shortChannelId = path[i]?.shortChannelId;
      if (source === undefined || shortChannelId === undefined) continue;
      const directions = this.#byChannel.get(shortChannelId) ?? new Map<NodeId, Msat>();
      const amount = change(directions.get(source) ?? zeroMsat, htlcAmount);
      if (amount > 0n) directions.set(source, amount);
      else directions.delete(source);
      if (directions.size > 0) this.#byChannel.set(shortChannelId, directions);
      else this.#byChannel.delete(shortChannelId);
    }
  }
}

function keyOf({ sessionKey }: LocalSource): string {
  return toHex(sessionKey);
}

function feeOf({ source, htlcAmount }: PartInFlight): Msat {
  return minusOrZero(htlcAmount, source.amount);
}
