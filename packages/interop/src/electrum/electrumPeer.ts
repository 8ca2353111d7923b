import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { decodeAddress } from "@fulmen/bitcoin";
import { networks } from "@fulmen/bitcoin/network";
import type { OutPoint, Txid } from "@fulmen/bitcoin/primitives";
import type { Transaction } from "@fulmen/bitcoin/transaction";
import type { Refusal } from "@fulmen/testkit";
import type { SharedChain } from "../sharedChain.ts";
import { ElectrumListener } from "./electrumListener.ts";
import { ElectrumProcess } from "./electrumProcess.ts";

const patienceSeconds = 60;

/** A channel as Electrum sees it; amounts in satoshis, rounded down. */
export interface ElectrumChannel {
  readonly short_channel_id: string | null;
  readonly channel_id: string;
  readonly channel_point: string;
  /** `PREOPENING`, `OPENING`, `FUNDED`, `OPEN`, `SHUTDOWN`, `CLOSING`, `FORCE_CLOSING`, `CLOSED`, `REDEEMED`... */
  readonly state: string;
  /** `DISCONNECTED`, `REESTABLISHING`, `GOOD`, `BAD`. */
  readonly peer_state: string;
  readonly local_balance: number;
  readonly remote_balance: number;
  readonly local_ctn: number;
  readonly remote_ctn: number;
  readonly local_unsettled_sent: number;
  readonly remote_unsettled_sent: number;
}

/** What Electrum has learned of the network. */
export interface ElectrumGraph {
  readonly nodes: readonly { readonly node_id: string; readonly alias: string }[];
  readonly channels: readonly {
    readonly short_channel_id: string;
    readonly node1_id: string;
    readonly node2_id: string;
    readonly capacity_sat: number | null;
    readonly policy1: ElectrumPolicy | null;
    readonly policy2: ElectrumPolicy | null;
  }[];
}

/** A channel_update as Electrum keeps it. */
export interface ElectrumPolicy {
  readonly cltv_expiry_delta: number;
  readonly fee_base_msat: number;
  readonly fee_proportional_millionths: number;
}

/** A transaction of Electrum's that the mempool did not take. */
export interface RefusedByMempool {
  readonly transaction: Transaction;
  readonly refusal: Refusal;
}

export interface ElectrumPeerOptions {
  readonly chain: SharedChain;
  /** Whether it finds routes itself. Default true. */
  readonly usesGossip?: boolean;
}

/**
 * Electrum's wallet and Lightning node, a third implementation: a daemon of its own whose Electrum server is that of
 * the chain. It sees blocks by that server alone, and what it broadcasts goes to the chain's mempool.
 */
export class ElectrumPeer {
  readonly nodeId: string;
  /** Where it takes connections of Lightning nodes. */
  readonly port: number;
  readonly #chain: SharedChain;
  readonly #listener: ElectrumListener;
  readonly #start: () => Promise<ElectrumProcess>;
  readonly #folder: string;
  #process: ElectrumProcess;
  readonly #refused: RefusedByMempool[];

  /** A new wallet without coins, synced to the tip. */
  static async start({ chain, usesGossip = true }: ElectrumPeerOptions): Promise<ElectrumPeer> {
    const refused: RefusedByMempool[] = [];
    const listener = await ElectrumListener.start(chain.chain, {
      onBroadcast: (transaction, result) => {
        if (!result.ok) refused.push({ transaction, refusal: result.error });
      },
    });
    const folder = await mkdtemp(join(tmpdir(), "fulmen-electrum-"));
    const lightningPort = await freePort();
    const start = () =>
      ElectrumProcess.start({ folder, serverPort: listener.port, lightningPort, usesGossip });
    try {
      const process = await start();
      await process.command("create");
      await process.command("load_wallet");
      const [nodeId = ""] = String(await process.command("nodeid")).split("@");
      const parts = { chain, listener, folder, start, process, refused, nodeId, port: lightningPort };
      const peer = new ElectrumPeer(parts);
      await peer.synced();
      return peer;
    } catch (error) {
      await listener.stop();
      await rm(folder, { recursive: true, force: true });
      throw error;
    }
  }

  private constructor(parts: {
    readonly chain: SharedChain;
    readonly listener: ElectrumListener;
    readonly folder: string;
    readonly start: () => Promise<ElectrumProcess>;
    readonly process: ElectrumProcess;
    readonly refused: RefusedByMempool[];
    readonly nodeId: string;
    readonly port: number;
  }) {
    this.nodeId = parts.nodeId;
    this.port = parts.port;
    this.#chain = parts.chain;
    this.#listener = parts.listener;
    this.#folder = parts.folder;
    this.#start = parts.start;
    this.#process = parts.process;
    this.#refused = parts.refused;
  }

  /** Runs a command of Electrum's, with parameters by their names. */
  async command(method: string, params: Readonly<Record<string, unknown>> = {}): Promise<unknown> {
    return this.#process.command(method, params);
  }

  /** The channels of its graph, and the nodes that have said something of themselves. */
  async graph(): Promise<ElectrumGraph> {
    return (await this.command("dumpgraph")) as ElectrumGraph;
  }

  /** An output script of the wallet's that was not used before. */
  async newScript(): Promise<Uint8Array> {
    return decodeAddress(String(await this.command("createnewaddress")), networks.regtest);
  }

  /** All output scripts of the wallet's, so far. */
  async scripts(): Promise<readonly Uint8Array[]> {
    const addresses = (await this.command("listaddresses")) as readonly string[];
    return addresses.map((address) => decodeAddress(address, networks.regtest));
  }

  /** A new invoice. */
  async invoice(sats: bigint): Promise<{ readonly invoice: string; readonly paymentHash: string }> {
    const request = await this.command("add_request", { amount: bitcoins(sats), force: true });
    const { lightning_invoice, rhash } = request as {
      readonly lightning_invoice: string;
      readonly rhash: string;
    };
    return { invoice: lightning_invoice, paymentHash: rhash };
  }

  /** Pays an invoice; whether that succeeded, once it is over. */
  async pay(invoice: string): Promise<boolean> {
    const { success } = (await this.command("lnpay", { invoice })) as { readonly success: boolean };
    return success;
  }

  async channels(): Promise<readonly ElectrumChannel[]> {
    return (await this.command("list_channels")) as readonly ElectrumChannel[];
  }

  /** Ids of the nodes that it is connected to. */
  async peers(): Promise<readonly string[]> {
    const peers = (await this.command("list_peers")) as readonly { readonly node_id: string }[];
    return peers.map(({ node_id }) => node_id);
  }

  /** The channel with this funding output. */
  async channel(funding: OutPoint): Promise<ElectrumChannel> {
    const all = await this.channels();
    const found = all.find(({ channel_point }) => channel_point === pointOf(funding));
    if (found === undefined) throw new Error(`Electrum has no channel ${pointOf(funding)}`);
    return found;
  }

  /** Satoshis of the wallet, without those in channels. */
  async balance(): Promise<{ readonly confirmed: bigint; readonly unconfirmed: bigint }> {
    const { confirmed, unconfirmed } = (await this.command("getbalance")) as {
      readonly confirmed: string;
      readonly unconfirmed?: string;
    };
    return { confirmed: satoshis(confirmed), unconfirmed: satoshis(unconfirmed ?? "0") };
  }

  /** Looks until there is something; rejects after a minute. */
  async until<T>(what: string, look: () => Promise<T | undefined | false>): Promise<T> {
    for (const deadline = performance.now() + patienceSeconds * 1_000; ; ) {
      const found = await look();
      if (found !== undefined && found !== false) return found;
      if (performance.now() > deadline) throw this.failure(`no ${what} within ${patienceSeconds} s`);
      await delay(20);
    }
  }

  /** Waits until it knows the tip, and all that the wallet has in it. */
  async synced(): Promise<void> {
    await this.until("sync", async () => {
      const info = (await this.command("getinfo")) as { readonly blockchain_height: number };
      return (
        info.blockchain_height === this.#chain.height && (await this.command("is_synchronized")) === true
      );
    });
  }

  /** What the mempool did not take since the last call, but for what was known already. */
  takeRefused(): readonly RefusedByMempool[] {
    const refused = this.#refused.splice(0);
    return refused.filter(
      ({ refusal: { kind } }) => kind !== "already-in-mempool" && kind !== "already-confirmed",
    );
  }

  /** Its connection to the chain breaks; it makes another one. */
  loseServer(): void {
    this.#listener.disconnectAll();
  }

  /** It is killed, and comes back from what it had stored, or from an older copy of that. */
  async restart(wallet?: Uint8Array): Promise<void> {
    await this.kill();
    if (wallet !== undefined) await writeFile(this.#walletFile, wallet);
    this.#process = await this.#start();
    await this.command("load_wallet");
    await this.synced();
  }

  /** What it has stored of its wallet and channels. */
  async backUp(): Promise<Uint8Array> {
    return readFile(this.#walletFile);
  }

  /** Ends it without a warning. */
  async kill(): Promise<void> {
    await this.#process.kill();
    await rm(join(this.#folder, "regtest", "daemon"), { force: true });
  }

  get #walletFile(): string {
    return join(this.#folder, "regtest", "wallets", "default_wallet");
  }

  async stop(): Promise<void> {
    await this.#process.stop();
    await this.#listener.stop();
    await rm(this.#folder, { recursive: true, force: true });
  }

  /** What it wrote to its log lately. */
  get log(): string {
    return this.#process.log;
  }

  /** An error that shows what Electrum said last. */
  failure(what: string): Error {
    return new Error(`Electrum: ${what}\n${this.log.slice(-6_000)}`);
  }
}

/** A channel's funding output as Electrum writes it. */
function pointOf({ txid, index }: OutPoint): string {
  return `${txid}:${index}`;
}

/** The funding output that Electrum writes so. */
export function outPointOf(point: string): OutPoint {
  const [id = "", index = ""] = point.split(":");
  return { txid: id as Txid, index: Number(index) };
}

function satoshis(text: string): bigint {
  const [whole = "0", fraction = ""] = text.split(".");
  return BigInt(whole) * 100_000_000n + BigInt(fraction.padEnd(8, "0"));
}

function bitcoins(sats: bigint): string {
  return `${sats / 100_000_000n}.${String(sats % 100_000_000n).padStart(8, "0")}`;
}

/** A port of this machine that nobody listened on a moment ago: Electrum cannot choose one by itself. */
function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      const port = typeof address === "object" && address !== null ? address.port : 0;
      server.close(() => resolve(port));
    });
  });
}
