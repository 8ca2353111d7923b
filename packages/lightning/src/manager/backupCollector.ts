import type { UserConfig } from "../channel/config.ts";
import type { ChannelMessage, ChannelMessageHandler } from "../handlers/messageHandler.ts";
import {
  type BackupOwner,
  mergedBackups,
  openOwnBackup,
  type StaticBackup,
} from "../storage/v1/staticBackup.ts";
import type { NodeId } from "../util/ids.ts";
import { ourFeatures } from "./ourFeatures.ts";

/** What a peer gave back of what it keeps for us. */
export type ReturnedBackup =
  | { readonly kind: "backup"; readonly backup: StaticBackup }
  /** Damaged, or of another seed or network: `text` says what, and what to do. */
  | { readonly kind: "unusable"; readonly text: string }
  /** It keeps nothing for us. */
  | { readonly kind: "nothing" };

export interface BackupCollectorOptions extends BackupOwner {
  /** `KeysManager.peerStorageKey`: opens our own backups. */
  readonly key: Uint8Array;
  /** For what our `init` offers: peers turn those away who can do too little. */
  readonly config: UserConfig;
}

/**
 * Takes what peers give back by peer storage (BOLT 1), for a node that has nothing but its seed: in place of a manager,
 * and for nothing else. It says nothing about channels. A manager that does not know a peer's channel answers with an
 * error, upon which the peer closes it, before there is anything that could take what it pays.
 */
export class BackupCollector implements ChannelMessageHandler {
  readonly #options: BackupCollectorOptions;
  readonly #returned = new Map<NodeId, ReturnedBackup>();

  constructor(options: BackupCollectorOptions) {
    this.#options = options;
  }

  /** What a peer gave back; absent while it may still do so. */
  returnedBy(nodeId: NodeId): ReturnedBackup | undefined {
    return this.#returned.get(nodeId);
  }

  /** Of the backups that came, the one that was made last; and what others have that had no room in it. */
  get newest(): StaticBackup | undefined {
    const all = [...this.#returned.values()];
    return mergedBackups(all.flatMap((one) => (one.kind === "backup" ? [one.backup] : [])));
  }

  providedInitFeatures(): Uint8Array {
    const features = ourFeatures(this.#options.config);
    return features.set("option_provide_storage", "optional").toBytes();
  }

  peerConnected(): "accept" {
    return "accept";
  }

  peerDisconnected(): void {}

  handleMessage(nodeId: NodeId, message: ChannelMessage): void {
    if (this.#returned.has(nodeId)) return;
    switch (message.type) {
      case "peer_storage_retrieval":
        this.#returned.set(nodeId, this.#opened(message.blob));
        return;
      case "channel_reestablish":
        // What a peer keeps comes before that, or not at all.
        this.#returned.set(nodeId, { kind: "nothing" });
        return;
      default:
    }
  }

  takeMessageSendEvents(): readonly never[] {
    return [];
  }

  wantsToPause(): boolean {
    return false;
  }

  hasChannelWith(): boolean {
    return false;
  }

  #opened(blob: Uint8Array): ReturnedBackup {
    const opened = openOwnBackup(blob, this.#options);
    if (opened.ok) return { kind: "backup", backup: opened.value };
    return { kind: "unusable", text: opened.error.text };
  }
}
