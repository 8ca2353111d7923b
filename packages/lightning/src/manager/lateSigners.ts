import type { NodeSigner } from "../chain/nodeSigner.ts";
import { fundedChannel } from "../channel/state.ts";
import { isSameRequest, type SigningAnswer, type SigningRequest } from "../sign/channelSigner.ts";
import type { ChannelId, NodeId } from "../util/ids.ts";
import { present } from "../util/invariant.ts";
import type { Channels } from "./channels.ts";
import { askSigner, signerAnswer } from "./signerAnswer.ts";

/** A request that a channel's signer has not answered. */
export interface PendingSigningRequest {
  readonly channelId: ChannelId;
  /** Names the channel's keys: see `SignerProvider`. */
  readonly channelKeysId: Uint8Array;
  readonly counterparty: NodeId;
  readonly request: SigningRequest;
}

/** Signers that do not answer at once: what is asked of them, and their answers when these come. */
export class LateSigners {
  readonly #channels: Channels;
  readonly #nodeSigner: NodeSigner;

  constructor(channels: Channels, nodeSigner: NodeSigner) {
    this.#channels = channels;
    this.#nodeSigner = nodeSigner;
  }

  /** What channels wait for their signers to answer. */
  requests(): readonly PendingSigningRequest[] {
    return [...this.#channels.all()].flatMap(([channelId, { state, counterparty }]) => {
      if (state.kind !== "awaiting-signer") return [];
      const { before, request } = state;
      const channelKeysId =
        "opening" in before ? before.opening.keys.channelKeysId : fundedChannel(before)?.channelKeysId;
      return channelKeysId === undefined ? [] : [{ channelId, channelKeysId, counterparty, request }];
    });
  }

  /**
   * The signer's answer to a request. `false` when the channel does not wait for it any more: the connection was lost
   * meanwhile, and with what the peer had not seen. It may ask for something else by now, of the same number.
   */
  answered(channelId: ChannelId, request: SigningRequest, answer: SigningAnswer): boolean {
    const state = this.#channels.get(channelId)?.state;
    if (state?.kind !== "awaiting-signer" || !isSameRequest(state.request, request)) return false;
    this.#channels.step(channelId, signerAnswer(state.request, answer, this.#nodeSigner));
    return true;
  }

  /** Asks the signer again what the channel waits for. */
  askAgain(channelId: ChannelId): void {
    const entry = this.#channels.get(channelId);
    if (entry?.state.kind !== "awaiting-signer") return;
    const signer = present(entry.signer, "the channel's signer");
    const answer = askSigner(signer, entry.state.request, this.#nodeSigner);
    if (answer !== undefined) this.#channels.step(channelId, answer);
  }

  /** Whether a channel with this peer waits for its signer: the peer need not be read from meanwhile. */
  areAwaitedFor(nodeId: NodeId): boolean {
    const { peers } = this.#channels;
    return peers.channelsOf(nodeId).some((id) => this.#channels.get(id)?.state.kind === "awaiting-signer");
  }
}
