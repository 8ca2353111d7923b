import type { FormatName } from "@fulmen/lightning/commitment";
import type { ChannelDetails } from "@fulmen/lightning/manager";
import { msat } from "@fulmen/lightning/util";
import { testConfig } from "#src/index";
import {
  checkBalances,
  type OurPair,
  openChannel,
  paid,
  type Side,
  settled,
  startPayment,
} from "./ourPair.ts";

/** Much dust may be in flight. */
export const dustAllowed = {
  us: {
    config: {
      channelConfig: {
        ...testConfig.channelConfig,
        maxDustHtlcExposure: { kind: "fixed", limit: msat(100_000_000n) },
      },
    },
  },
  ldk: { maxDustExposureMsat: 100_000_000 },
} as const;

/** A channel of 1,000,000 sat, half on each side, and what each side should have in it. */
export class Purse {
  readonly channelId: ChannelDetails["channelId"];
  readonly #pair: OurPair;
  #ours = 500_000_000n;

  constructor(pair: OurPair, channelId: ChannelDetails["channelId"]) {
    this.#pair = pair;
    this.channelId = channelId;
  }

  async pay(payer: Side, amount: bigint): Promise<void> {
    await paid(this.#pair, payer, await startPayment(this.#pair, payer, amount));
    this.moved(payer, amount);
  }

  moved(payer: Side, amount: bigint): void {
    this.#ours += payer === "us" ? -amount : amount;
  }

  async check(): Promise<void> {
    await settled(this.#pair);
    await checkBalances(this.#pair, this.channelId, {
      ours: this.#ours,
      theirs: 1_000_000_000n - this.#ours,
    });
  }
}

export async function openPurse(pair: OurPair, opener: Side, format: FormatName): Promise<Purse> {
  const terms = { opener, format, sats: 1_000_000n, pushMsat: 500_000_000n };
  return new Purse(pair, (await openChannel(pair, terms)).channelId);
}
