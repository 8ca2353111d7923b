import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { networks } from "@fulmen/bitcoin/network";
import { NetworkGraph } from "@fulmen/lightning/gossip";
import { networkGraphKey } from "@fulmen/lightning/storage";
import { sat, type UnixSeconds } from "@fulmen/lightning/util";
import { openSqliteStore } from "@fulmen/persist/sqlite";
import { BitcoindServer } from "@fulmen/testkit/bitcoind";
import { PracticeChain } from "@fulmen/testkit/chainSource";
import { type GraphDump, loadInto } from "@fulmen/testkit/routing";
import { HttpService } from "@fulmen/testkit/sockets";
import { DaemonProcess } from "./daemonProcess.ts";

/** With more, a peer refuses the next. */
const mostChannelsWithPeer = 4;
const lookInterval = 20;
const longestWait = 60_000;
const channelSat = 1_000_000;
const pushMsat = 500_000_000;

interface Served {
  readonly folder: string;
  readonly service: HttpService;
  readonly server: BitcoindServer;
}

/** A served chain, a daemon that is measured, and others that have channels with it. */
export class DaemonField {
  readonly peers: readonly DaemonProcess[];
  readonly #folder: string;
  readonly #service: HttpService;
  readonly #timer: ReturnType<typeof setInterval>;
  #measured: DaemonProcess | undefined;

  private constructor({ folder, service, server }: Served, peers: readonly DaemonProcess[]) {
    this.#folder = folder;
    this.#service = service;
    this.#timer = setInterval(() => server.update(), lookInterval);
    this.peers = peers;
  }

  /** So many channels to the first daemon; the graph is in the store of the one that is to be measured. */
  static async open(channels: number, dump: GraphDump): Promise<DaemonField> {
    const folder = mkdtempSync(join(tmpdir(), "fulmen-bench-daemon-"));
    const practice = new PracticeChain();
    const server = new BitcoindServer(practice.chain);
    const service = await HttpService.listen((request, signal) => server.answer(request, signal));
    const url = `http://127.0.0.1:${service.port}`;
    const config = {
      network: "regtest",
      chain: { source: "bitcoind", url, user: "fulmen", password: "secret" },
      api: { port: 0 },
    };
    await DaemonProcess.init(join(folder, "measured"), { ...config, listen: { enabled: false } });
    const peers: DaemonProcess[] = [];
    const field = new DaemonField({ folder, service, server }, peers);
    try {
      while (peers.length * mostChannelsWithPeer < channels) {
        const peer = join(folder, `peer${peers.length}`);
        await DaemonProcess.init(peer, { ...config, gossip: "none", listen: { port: 0 } });
        peers.push(await DaemonProcess.start(peer));
      }
      await field.#openChannels(channels, practice);
      await field.#storeGraph(dump);
      return field;
    } catch (error) {
      await field.end();
      throw error;
    }
  }

  /** Starts the measured daemon. */
  async start(): Promise<DaemonProcess> {
    this.#measured = await DaemonProcess.start(join(this.#folder, "measured"));
    return this.#measured;
  }

  /** Stops the measured daemon. */
  async stop(): Promise<void> {
    await this.#measured?.stop();
    this.#measured = undefined;
  }

  async end(): Promise<void> {
    await this.stop();
    for (const peer of this.peers) await peer.stop();
    clearInterval(this.#timer);
    await this.#service.close();
    rmSync(this.#folder, { recursive: true });
  }

  async #openChannels(channels: number, practice: PracticeChain): Promise<void> {
    const { client } = await this.start();
    const isAtTip = async (): Promise<boolean> =>
      (await client.info()).chain.height === practice.chain.tip.height;
    for (let opened = 0; opened < channels; opened++) {
      await practice.pay((await client.newAddress()).address, sat(2 * channelSat));
      await until(isAtTip);
      const { uri = "" } = (await this.peers[opened % this.peers.length]?.client.info()) ?? {};
      await client.openChannel({ peer: uri, amountSat: String(channelSat), pushMsat: String(pushMsat) });
    }
    await until(async () => {
      const { channels: all } = await client.channels();
      if (all.length === channels && all.every(({ isUsable }) => isUsable)) return true;
      // A funding may come late.
      await practice.mine(1);
      await until(isAtTip);
      return false;
    });
    await this.stop();
  }

  async #storeGraph(dump: GraphDump): Promise<void> {
    const graph = new NetworkGraph({ chainHash: networks.regtest.genesisHash });
    loadInto(graph, dump, Math.floor(Date.now() / 1_000) as UnixSeconds);
    const store = await openSqliteStore(join(this.#folder, "measured", "node.sqlite"));
    await store.commit([{ key: networkGraphKey, value: graph.write() }]);
    await store.close();
  }
}

/** Looks again and again until it is so; throws when it never is. */
export async function until(isSo: () => boolean | Promise<boolean>): Promise<void> {
  const end = performance.now() + longestWait;
  while (!(await isSo())) {
    if (performance.now() > end) throw new Error(`not within ${longestWait / 1_000} s: ${isSo}`);
    await new Promise((resolve) => setTimeout(resolve, lookInterval));
  }
}
