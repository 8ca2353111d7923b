import { createFakeScid, type FakeScidNamespace, fakeScidKey, isFakeScid } from "../payment/fakeScid.ts";
import type { ShortChannelId } from "../util/ids.ts";
import type { Secret } from "../util/secret.ts";
import { ApiError } from "./apiError.ts";
import type { Channels } from "./channels.ts";
import type { ManagerEnvironment } from "./environment.ts";

/** Tries to find a made-up short channel id that no channel of ours has. */
const maxTries = 100;

/** Short channel ids of ours that name no channel: see `FakeScidNamespace`. */
export class FakeScids {
  readonly #environment: ManagerEnvironment;
  readonly #channels: Channels;
  readonly #key: Secret;

  constructor(environment: ManagerEnvironment, channels: Channels) {
    this.#environment = environment;
    this.#channels = channels;
    this.#key = fakeScidKey(environment.nodeSigner.inboundPaymentKey());
  }

  /** A new one that none of our channels has. Throws `ApiError` when the entropy source leads nowhere else. */
  create(namespace: FakeScidNamespace): ShortChannelId {
    const { entropy, network } = this.#environment;
    for (let i = 0; i < maxTries; i++) {
      const scid = createFakeScid(this.#key, namespace, {
        network: network.name,
        height: this.#channels.context.bestHeight,
        random: entropy.randomBytes(8),
      });
      if (this.#channels.named(scid) === undefined) return scid;
    }
    throw new ApiError("api-misuse", "the entropy source gives the same bytes again and again");
  }

  has(namespace: FakeScidNamespace, id: ShortChannelId): boolean {
    return isFakeScid(this.#key, namespace, { id, network: this.#environment.network.name });
  }
}
