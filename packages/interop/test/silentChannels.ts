import type { ChannelMessage, ChannelMessageHandler } from "@fulmen/lightning/handlers";
import type { NodeId } from "@fulmen/lightning/util";
import { Features } from "@fulmen/lightning/wire";

/** For nodes that want no channels: takes every peer, and notes what comes. */
export class SilentChannels implements ChannelMessageHandler {
  readonly messages: ChannelMessage[] = [];

  peerConnected(): "accept" {
    return "accept";
  }

  peerDisconnected(): void {}

  /** What LDK asks of peers. */
  providedInitFeatures(): Uint8Array {
    return Features.of({
      option_data_loss_protect: "optional",
      var_onion_optin: "required",
      payment_secret: "required",
      option_static_remotekey: "required",
      gossip_queries: "optional",
      option_channel_type: "optional",
    }).toBytes();
  }

  takeMessageSendEvents(): readonly [] {
    return [];
  }

  handleMessage(_nodeId: NodeId, message: ChannelMessage): void {
    this.messages.push(message);
  }

  wantsToPause(): boolean {
    return false;
  }

  hasChannelWith(): boolean {
    return false;
  }
}
