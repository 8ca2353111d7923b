import type { NodeSigner } from "../chain/nodeSigner.ts";
import type { ChannelInput } from "../channel/input.ts";
import type { ChannelSigner, SigningAnswer, SigningRequest } from "../sign/channelSigner.ts";

/** Asks a channel's signer: its answer as an input of the channel, or `undefined` when it does not answer at once. */
export function askSigner(
  signer: ChannelSigner,
  request: SigningRequest,
  nodeSigner: NodeSigner,
): ChannelInput | undefined {
  const answer = signer.sign(request);
  return answer && signerAnswer(request, answer, nodeSigner);
}

/** A signer's answer as an input. A channel announcement also needs the node's own signature. */
export function signerAnswer(
  request: SigningRequest,
  answer: SigningAnswer,
  nodeSigner: NodeSigner,
): ChannelInput {
  if (request.kind !== "channel-announcement" || answer.kind !== "channel-announcement") {
    return { kind: "signed", answer };
  }
  const nodeSignature = nodeSigner.signGossip(request.announcement);
  return { kind: "signed", answer: { ...answer, nodeSignature } };
}
