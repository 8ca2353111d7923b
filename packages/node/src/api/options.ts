import type { BackupPlace } from "@fulmen/background";
import type { Transaction } from "@fulmen/bitcoin/transaction";
import type { ChainSource } from "@fulmen/chain-sync";
import type { KVStore } from "@fulmen/lightning/chain";
import type { UserConfig } from "@fulmen/lightning/channel";
import type { Event, LogRecord } from "@fulmen/lightning/handlers";
import type { ChannelSecrets } from "@fulmen/lightning/sign";
import type { NodeId, Sat } from "@fulmen/lightning/util";

/** Networks that a node can be on. Coins of all but `mainnet` are worth nothing. */
export type NodeNetwork = "mainnet" | "testnet4" | "signet" | "regtest";

/** Where a node keeps what it must not forget. */
export type StorageOption =
  /** Nothing outlives the process: for tests, and never with real money. */
  | "memory"
  /** A file. Nobody else may open it. */
  | { readonly sqlite: string }
  /** Whatever keeps to the border, such as a store of `@fulmen/persist`. The node closes it. */
  | KVStore;

/** Where the chain is heard of. */
export type ChainOption =
  /** A source that the caller made; the node starts and stops it. */
  | ChainSource
  /** Bitcoin Core. Either user and password, or the path of the cookie file. */
  | {
      readonly bitcoind: {
        /** `http://127.0.0.1:8332` */
        readonly url: string;
        readonly user?: string;
        readonly password?: string;
        readonly cookieFile?: string;
      };
    }
  /** A server of Esplora's API: `https://host/api`. */
  | { readonly esplora: { readonly url: string } }
  /**
   * An Electrum server: `ssl://host:50002`, `tcp://host:50001` or `wss://host:50004`, and its certificate when
   * self-signed.
   */
  | { readonly electrum: { readonly url: string; readonly certificateSha256?: string } };

/** Where peers may reach the node. Port 0 lets the system choose one. */
export interface ListenOption {
  /** Default 127.0.0.1; `0.0.0.0` and `::` are all interfaces. */
  readonly host?: string;
  /** Default 9735. */
  readonly port?: number;
}

/**
 * How Tor is used, to reach others; to be reached, `announceAddresses` names an onion service that leads to `listen`.
 */
export interface TorOption {
  /** Tor's SOCKS5 port, mostly 127.0.0.1:9050. */
  readonly socks: { readonly host: string; readonly port: number };
  /**
   * Whether all peers, Electrum and Esplora servers and servers of rapid gossip sync are reached through it, and not
   * only those with onion addresses. Bitcoin Core is one's own, and always asked directly. Default false.
   */
  readonly everything?: boolean;
}

/** Which channels that peers want to open are taken. */
export interface InboundChannelPolicy {
  /** Default true. */
  readonly accept?: boolean;
  /** Smaller ones are refused. Default 0: what `UserConfig.channelHandshakeLimits` says. */
  readonly minFunding?: Sat;
  /** Larger ones are refused. Default: no limit. */
  readonly maxFunding?: Sat;
  /** Open channels with one peer, those that it wants included. Default 4. */
  readonly maxPerPeer?: number;
  /** Open channels that peers opened, in all. Default 500. */
  readonly maxTotal?: number;
  /**
   * Whether channels are taken that the wallet could not defend when fees are high: so can a node that has received
   * nothing yet get its first channel. Until it has coins, the peer may win what a late close loses. Default false.
   */
  readonly withoutReserve?: boolean;
  /**
   * Their channels are used before their funding is confirmed, which such a peer may still spend otherwise: whoever is
   * in this list can take all that was received over them. Default: nobody.
   */
  readonly trustedPeers?: readonly NodeId[];
}

/** How the node learns of others' channels, through which it pays. */
export type GossipOption =
  /** Peers tell, and are told. The default. */
  | "peer-to-peer"
  /** A server of rapid gossip sync tells, once an hour what has changed; nothing is passed on. */
  | { readonly rapidGossipSync: string }
  /** The node pays its own peers only. */
  | "none";

/** How long what happened is kept. */
export interface RetentionOption {
  /** Events beyond these are forgotten, the oldest first. Default 100,000. */
  readonly maxEvents?: number;
  /** Events are forgotten after as many days. Default 90. */
  readonly eventDays?: number;
  /** Invoices that nobody paid are forgotten as many days after they expired. Default 30. */
  readonly unpaidInvoiceDays?: number;
}

/** Who hears what the node does. Lines hold no secrets. */
export interface NodeLogger {
  log(record: LogRecord): void;
}

/** All that a node is made from. Only `network`, `seed`, `storage` and `chain` are required. */
export interface NodeOptions {
  readonly network: NodeNetwork;
  /** 12 or 24 words (BIP 39, English), or 32 or 64 bytes from a good source of randomness. All money depends on it. */
  readonly seed: string | Uint8Array;
  /** The passphrase of BIP 39, for words only. Default: none. */
  readonly passphrase?: string;
  /** 32 bytes that several nodes have in common, which are paid as one: see `PhantomKeysManager`. Default: none. */
  readonly crossNodeSeed?: Uint8Array;
  readonly storage: StorageOption;
  /** Tells of blocks, and of feerates; takes broadcasts. */
  readonly chain: ChainOption;
  /**
   * Others that are asked for feerates, which are averaged, and given broadcasts, too; and for blocks, in this order,
   * while the first is down or behind them: so that no single one can make the node pay too much, keep a transaction
   * back, or hide a block. The node runs without them.
   */
  readonly furtherChains?: readonly ChainOption[];
  /**
   * Satoshis per virtual byte that are paid at the most, whatever chain sources say, for what can wait some blocks:
   * payments to addresses, openings, sweeps of what nobody contests. Default 200. A feerate that is asked for by hand
   * may be higher.
   */
  readonly maxFeerate?: number;
  /** Default: nobody can connect; the node still connects to others. */
  readonly listen?: ListenOption;
  /** Default: none, and onion addresses cannot be reached. Each destination has a circuit of its own. */
  readonly tor?: TorOption;
  /** Addresses under which others reach the node, for its announcement: `host:port`. */
  readonly announceAddresses?: readonly string[];
  /** Told to the network when the node has announced channels; up to 32 bytes of UTF-8. */
  readonly alias?: string;
  /** Changes to the defaults of channels, forwarding and limits. */
  readonly config?: Partial<UserConfig>;
  readonly inboundChannels?: InboundChannelPolicy;
  readonly gossip?: GossipOption;
  /**
   * Height from which the chain is searched for the wallet's coins. Default: what the backup says that the node is
   * restored from, or the tip at the first start.
   */
  readonly birthday?: number;
  readonly retention?: RetentionOption;
  /**
   * Files that the static channel backup is kept in, encrypted by the seed: on other disks, or where another program
   * copies them from. A backup that is newer than the store is never overwritten: the node does not start then.
   */
  readonly backupFiles?: readonly string[];
  /** Other places for it: a bucket, another machine. */
  readonly backupPlaces?: readonly BackupPlace[];
  /** Whether peers with a channel are asked to keep it, too, where they can. Default true. */
  readonly backupAtPeers?: boolean;
  /**
   * A static channel backup, or who may have it, when the store is lost: with an empty store the node asks its peers to
   * close all channels, and takes what they pay to the wallet. Give it again until the restore is done, as often as it
   * is interrupted: a store that was restored from this backup goes on, and any other that is not empty is refused and
   * left as it is.
   */
  readonly restoreFrom?: Uint8Array | RestoreFromPeers;
  /** Default: nothing is logged. */
  readonly logger?: NodeLogger;
  /** For development and tests; refused on mainnet. */
  readonly development?: DevelopmentOptions;
}

/**
 * Where a node that has nothing but its seed gets its backup: from peers that keep it for the node (BOLT 1, "Peer
 * storage"). All are asked, those too who turn out to be in the backup, and the newest counts. Each may give an old
 * one: name several.
 */
export interface RestoreFromPeers {
  /** `nodeid@host:port` of peers with which there were channels. */
  readonly peers: readonly string[];
  /** How long one that is connected is waited for. Default 10. */
  readonly waitSeconds?: number;
}

/** What makes tests faster or lets them know what comes, and would make a node worse or give it away. */
export interface DevelopmentOptions {
  /** HTLCs are decided at once. Default false: after a random moment, so that observers learn less. */
  readonly forwardAtOnce?: boolean;
  /** Milliseconds before a lost peer is tried again for the first time. Default 1,000. */
  readonly reconnectDelay?: number;
  /** Milliseconds between two looks at the chain source; of bitcoind, at its mempool. Default: that of the source. */
  readonly pollInterval?: number;
  /** The node's key, 32 bytes, in place of the seed's. */
  readonly nodeKey?: Uint8Array;
  /** The secrets of every channel, in place of the seed's. */
  readonly channelSecrets?: ChannelSecrets;
  /** Confirmations that are asked for of channels that peers open, before all else that is configured. */
  readonly minimumDepth?: number;
  /** Told of each event of the core, once the node has dealt with it; of the last ones again after a crash. */
  readonly onEvent?: (event: Event, index: number) => void;
  /** Told of each transaction that the node gives to the network. */
  readonly onBroadcast?: (transactions: readonly Transaction[]) => void;
}
