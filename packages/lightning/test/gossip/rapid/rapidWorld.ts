import type { ChannelInfo, ChannelUpdateInfo, NodeAnnouncementInfo } from "@fulmen/lightning/gossip";
import { msat, type NodeId, noBytes, type ShortChannelId, sat } from "@fulmen/lightning/util";
import { Features, type SocketAddress } from "@fulmen/lightning/wire";
import { PlainGraph, plainChannel, plainTerms } from "../plainGraph.ts";

/** Numbers from a seed: `below(n)` is in 0..n-1. */
export class Dice {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** Mulberry32. */
  below(limit: number): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % limit;
  }

  oneIn(times: number): boolean {
    return this.below(times) === 0;
  }

  pick<T>(things: readonly [T, ...T[]]): T {
    return things[this.below(things.length)] ?? things[0];
  }
}

/** A network whose channels come, change and go. */
export class RapidWorld {
  readonly #dice: Dice;
  readonly #nodeIds: readonly [NodeId, ...NodeId[]];
  readonly #channels = new Map<bigint, ChannelInfo>();
  readonly #announcements = new Map<NodeId, NodeAnnouncementInfo>();

  constructor(seed: number, { nodes, channels }: { readonly nodes: number; readonly channels: number }) {
    this.#dice = new Dice(seed);
    const first = nodeIdNumber(0);
    this.#nodeIds = [first, ...Array.from({ length: nodes - 1 }, (_, index) => nodeIdNumber(index + 1))];
    for (let i = 0; i < channels; i++) this.#open();
    for (const id of this.#nodeIds) this.#announce(id);
  }

  /** As it is now. */
  graph(): PlainGraph {
    return new PlainGraph([...this.#channels.values()], new Map(this.#announcements));
  }

  /** Some of everything happens. */
  change(): void {
    if (this.#dice.oneIn(2)) this.#open();
    for (const channel of this.#channels.values()) {
      if (this.#dice.oneIn(100)) this.#channels.delete(channel.shortChannelId);
      else if (this.#dice.oneIn(10)) this.#retouch(channel);
    }
    for (const id of this.#nodeIds) if (this.#dice.oneIn(20)) this.#announce(id);
  }

  #open(): void {
    const dice = this.#dice;
    const [one, two] = [dice.pick(this.#nodeIds), dice.pick(this.#nodeIds)];
    if (one === two) return;
    const id = (BigInt(700_000 + dice.below(100_000)) << 40n) | BigInt(dice.below(2 ** 31));
    const capacity = sat(dice.pick([3_000_000, 16_777_215, 5e9]));
    const channel = plainChannel(id, [one, two], {
      ...(dice.oneIn(5) ? {} : { from: this.#terms() }),
      ...(dice.oneIn(5) ? {} : { to: this.#terms() }),
    });
    const features = dice.oneIn(50) ? Features.ofBits([101]) : Features.none;
    this.#channels.set(id, { ...channel, features, ...(dice.oneIn(10) ? {} : { capacity }) });
  }

  /** One side says its terms anew: all of them, some, or the same again. */
  #retouch(channel: ChannelInfo): void {
    const side = this.#dice.oneIn(2) ? "oneToTwo" : "twoToOne";
    const { [side]: before, ...others } = channel;
    const after = this.#terms();
    if (before === undefined || this.#dice.oneIn(10)) {
      // The last terms are forgotten, or there are some for the first time.
      this.#channels.set(
        channel.shortChannelId,
        before === undefined ? { ...others, [side]: after } : others,
      );
      return;
    }
    const changed: { -readonly [K in keyof ChannelUpdateInfo]?: ChannelUpdateInfo[K] } = {};
    if (this.#dice.oneIn(2)) changed.feeProportionalMillionths = after.feeProportionalMillionths;
    if (this.#dice.oneIn(3)) changed.enabled = !before.enabled;
    if (this.#dice.oneIn(4)) changed.htlcMaximum = after.htlcMaximum;
    const terms = this.#dice.oneIn(8) ? after : { ...before, ...changed };
    this.#channels.set(channel.shortChannelId, { ...channel, [side]: terms });
  }

  #terms(): ChannelUpdateInfo {
    const dice = this.#dice;
    return plainTerms({
      enabled: !dice.oneIn(6),
      cltvExpiryDelta: dice.pick([40, 40, 40, 80, 144, 0, 0xffff]),
      htlcMinimum: msat(dice.pick([1000, 1000, 1, 0, 2 ** 40])),
      htlcMaximum: msat(dice.pick([99_000_000, 990_000_000, 1, dice.below(2 ** 31)])),
      feeBaseMsat: dice.pick([1000, 1000, 0, 1, 0xffff_ffff]),
      feeProportionalMillionths: dice.pick([1, 100, 0, dice.below(5000), 0xffff_ffff]),
    });
  }

  #announce(id: NodeId): void {
    if (this.#dice.oneIn(8)) {
      this.#announcements.delete(id);
      return;
    }
    const features = this.#dice.pick([[1], [1, 7], [1, 7, 15], [this.#dice.below(500)], []]);
    const addresses = this.#dice.pick<readonly SocketAddress[]>([
      [],
      [{ type: "ipv4", host: `10.0.0.${this.#dice.below(256)}`, port: 9735 }],
      [
        { type: "ipv6", host: "2001:db8::1", port: this.#dice.below(65_536) },
        { type: "dns", host: "node.example.com", port: 9735 },
      ],
      [{ type: "tor-v3", host: `${"a".repeat(56)}.onion`, port: 9735 }],
      // Too long for the format, which has a byte for the length of an address.
      [{ type: "dns", host: "a".repeat(255), port: 9735 }],
    ]);
    this.#announcements.set(id, {
      features: Features.ofBits(features),
      unknownFeaturesRequired: false,
      lastUpdate: 1000,
      rgbColor: new Uint8Array(3),
      alias: new Uint8Array(32),
      addresses,
      message: noBytes,
    });
  }
}

/** An id that looks like one, for whoever verifies nothing. */
export function nodeIdNumber(number: number): NodeId {
  const mixed = Math.imul(number + 1, 0x9e3779b1) >>> 0;
  return `0${2 + (number % 2)}${mixed.toString(16).padStart(8, "0")}${number.toString(16).padStart(56, "0")}` as NodeId;
}

export function idNumber(number: bigint): ShortChannelId {
  return number as ShortChannelId;
}
