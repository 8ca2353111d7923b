import type { Network } from "@fulmen/bitcoin/network";
import type { UserConfig } from "@fulmen/lightning/channel";
import type { Logger } from "@fulmen/lightning/handlers";
import { BackupCollector } from "@fulmen/lightning/manager";
import { PeerManager } from "@fulmen/lightning/peer";
import type { KeysManager } from "@fulmen/lightning/sign";
import type { StaticBackup } from "@fulmen/lightning/storage";
import { messageOf, type NodeId } from "@fulmen/lightning/util";
import { type PeerAddress, TcpTransport } from "@fulmen/net";
import { NodeError } from "../api/nodeError.ts";
import type { RestoreFromPeers } from "../api/options.ts";
import { dial, parsePeer } from "../peers/index.ts";

/** Who asks for its backup. */
export interface PeerBackupTarget {
  readonly keys: KeysManager;
  readonly network: Network;
  readonly config: UserConfig;
  readonly logger: Logger;
}

/** What peers had kept, and where those were found whom the user named. */
export interface PeerBackup {
  readonly backup: StaticBackup;
  readonly addresses: readonly PeerAddress[];
}

/** A peer that keeps something says so as the first thing. */
const defaultWait = 10;
/** Peers of the backup who are asked, too, whether they have a newer one. */
const mostPeers = 100;
const look = 5;

/**
 * Asks peers for the static backup that they keep, those whom the user names and then those whom the backup names, and
 * gives the newest. Nothing is said to them about channels. Throws `backup-not-found`, which says of each peer why it
 * was of no help.
 */
export async function backupFromPeers(
  { peers, waitSeconds = defaultWait }: RestoreFromPeers,
  { keys, network, config, logger }: PeerBackupTarget,
): Promise<PeerBackup> {
  const collector = new BackupCollector({ nodeId: keys.nodeId, network, key: keys.peerStorageKey(), config });
  const peerManager = new PeerManager({
    nodeSigner: keys,
    handlers: { channel: collector },
    chainHash: network.genesisHash,
    logger,
  });
  const transport = new TcpTransport({ peers: peerManager, logger });
  /** Why each did not help. */
  const failures = new Map<NodeId, string>();
  const ask = async (address: PeerAddress): Promise<void> => {
    const { nodeId } = address;
    failures.set(nodeId, "it gave nothing back");
    try {
      await dial({ transport, peerManager }, address);
      const until = performance.now() + waitSeconds * 1_000;
      while (collector.returnedBy(nodeId) === undefined && performance.now() < until) {
        if (peerManager.peer(nodeId) === undefined) break;
        await new Promise((resolve) => setTimeout(resolve, look));
      }
    } catch (error) {
      failures.set(nodeId, messageOf(error));
    }
    const returned = collector.returnedBy(nodeId);
    if (returned?.kind === "unusable") failures.set(nodeId, returned.text);
    if (returned?.kind === "backup") failures.delete(nodeId);
  };
  const addresses = peers.map(peerAddress);
  try {
    await Promise.all(addresses.map(ask));
    const asked = new Set(addresses.map(({ nodeId }) => nodeId));
    const others = addressesIn(collector.newest).filter(({ nodeId }) => !asked.has(nodeId));
    await Promise.all(others.slice(0, mostPeers).map(ask));
  } finally {
    await transport.close();
  }
  const { newest: backup } = collector;
  if (backup !== undefined) return { backup, addresses };
  const reasons = [...failures].map(([nodeId, why]) => `${nodeId.slice(0, 16)}: ${why}`);
  throw new NodeError("backup-not-found", `no peer gave a backup of this node back; ${reasons.join("; ")}`, {
    remedy: "name other peers with which there were channels, or restore from a file; check the seed",
    details: { peers: addresses.length },
  });
}

/** `nodeid@host:port`. Throws `invalid-address`. */
function peerAddress(text: string): PeerAddress {
  const { address } = parsePeer(text);
  if (address !== undefined) return address;
  throw new NodeError("invalid-address", `it is not said where ${text} is`, {
    remedy: "give nodeid@host:port",
  });
}

/** Where the peers of a backup were found last. */
export function addressesIn(backup: StaticBackup | undefined): readonly PeerAddress[] {
  return (backup?.peers ?? []).flatMap(({ nodeId, addresses: [first] }) => {
    try {
      return first === undefined ? [] : [peerAddress(`${nodeId}@${first}`)];
    } catch {
      // Without one the user can still connect to the peer.
      return [];
    }
  });
}
