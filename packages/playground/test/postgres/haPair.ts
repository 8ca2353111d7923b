import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import type { Event } from "@fulmen/lightning/handlers";
import { msat, sat } from "@fulmen/lightning/util";
import { PostgresServer, TcpProxy } from "@fulmen/testkit/postgres";
import type { ChainProcess } from "#src/chain/chainProcess";
import { PlaygroundNode } from "#src/network/playgroundNode";
import type { NodeNotice } from "#src/node/protocol";
import { Child } from "#src/rpc/child";
import type { HaService, HaSettings } from "./haNode.ts";

export async function until(what: string, condition: () => boolean | Promise<boolean>): Promise<void> {
  const end = performance.now() + 20_000;
  while (!(await condition())) {
    if (performance.now() > end) throw new Error(`waited 20 s in vain until ${what}`);
    await pause(20);
  }
}

/** After so many commits a process sends itself a signal. */
export interface Trip {
  readonly commits: number;
  readonly signal: "SIGSTOP" | "SIGKILL";
}

/** One process that is Alice, or waits to be. */
export class AliceProcess {
  readonly child: Child<HaService>;
  /** Between it and its peer. */
  readonly toPeer: TcpProxy;
  /** Between it and the database. */
  readonly toDatabase: TcpProxy;
  readonly log: string[];
  /** How it ended, when it did so by itself. */
  death: string | undefined;
  /** Bytes that it has sent to its peer. */
  sent = 0;

  constructor(parts: Pick<AliceProcess, "child" | "toPeer" | "toDatabase" | "log">) {
    this.child = parts.child;
    this.toPeer = parts.toPeer;
    this.toDatabase = parts.toDatabase;
    this.log = parts.log;
    this.toPeer.keepsClients = true;
    this.toPeer.onRequest = (bytes) => {
      this.sent += bytes.length;
      return undefined;
    };
  }

  /** Whether it is stopped, as SIGSTOP does. */
  get isStopped(): boolean {
    const state = readFileSync(`/proc/${this.child.pid}/stat`, "utf8").split(") ")[1]?.[0];
    return state === "T";
  }

  /** Resolves when it is Alice. */
  async ready(): Promise<void> {
    await this.child.call("info");
  }

  async end(): Promise<void> {
    if (this.death === undefined) await this.child.kill();
    await Promise.all([this.toPeer.stop(), this.toDatabase.stop()]);
  }
}

/** Alice, whom several processes could be, with a channel to Bob, on a chain and a database of their own. */
export class HaPair {
  readonly folder = mkdtempSync(join(tmpdir(), "fulmen-ha-"));
  readonly server: PostgresServer;
  readonly chain: Child<ChainProcess>;
  readonly bob: PlaygroundNode;
  readonly leaseDuration: number;
  /** Alice's, each once. */
  readonly events = new Map<number, Event>();
  readonly #processes: AliceProcess[] = [];
  #bobsShare = 0n;

  private constructor(server: PostgresServer, leaseDuration: number) {
    this.server = server;
    this.leaseDuration = leaseDuration;
    this.chain = new Child<ChainProcess>({
      name: "the chain's process",
      module: new URL("../../src/chain/chainProcess.ts", import.meta.url),
      args: [this.folder],
      onNotice: () => undefined,
      onDeath: (text) => console.error(text),
    });
    this.bob = new PlaygroundNode({
      name: "bob",
      folder: join(this.folder, "bob"),
      seed: "bb".repeat(32),
      chainPort: () => this.chain.call("port"),
      onDeath: (text) => console.error(text),
      onLog: () => undefined,
    });
  }

  static async start(leaseDuration: number): Promise<HaPair> {
    const pair = new HaPair(await PostgresServer.start(), leaseDuration);
    await pair.bob.start();
    return pair;
  }

  async alice(): Promise<AliceProcess> {
    const bob = await this.bob.info();
    const toPeer = await TcpProxy.start(bob.port);
    const toDatabase = await TcpProxy.start(this.server.port);
    const log: string[] = [];
    const settings: HaSettings = {
      name: "alice",
      seed: "aa".repeat(32),
      folder: this.folder,
      chainPort: await this.chain.call("port"),
      port: 0,
      peers: [{ nodeId: bob.nodeId, port: toPeer.port }],
      connection: this.server.url("postgres", toDatabase.port),
      leaseDuration: this.leaseDuration,
    };
    const child = new Child<HaService>({
      name: "alice's process",
      module: new URL("haNode.ts", import.meta.url),
      args: [JSON.stringify(settings)],
      onNotice: (value) => {
        const notice = value as NodeNotice;
        if (notice.kind === "event") this.events.set(notice.index, notice.event);
        else log.push(notice.text);
      },
      onDeath: (text) => {
        made.death = text;
      },
    });
    const made: AliceProcess = new AliceProcess({ child, toPeer, toDatabase, log });
    this.#processes.push(made);
    return made;
  }

  /** Alice opens a channel to Bob and gives him half of it. */
  async openChannel(alice: AliceProcess): Promise<void> {
    await this.chain.call("fund", await alice.child.call("address"), 1_000_000n);
    await this.chain.call("mine", 1);
    await until("Alice has her coins", async () => (await alice.child.call("walletBalance")) > 0n);
    const { nodeId } = await this.bob.info();
    await until("they are connected", async () => (await alice.child.call("status")).peers.length === 1);
    await alice.child.call("open", { nodeId, funding: sat(500_000n), format: "static-remotekey" });
    await until("the funding is broadcast", async () => (await this.chain.call("mempool")).length > 0);
    await this.chain.call("mine", 7);
    await this.usable(alice);
    await this.payBob(alice, 200_000_000n);
  }

  async usable(alice: AliceProcess): Promise<void> {
    await until("the channel is usable", async () => {
      const ends = [await alice.child.call("channels"), await this.bob.call("channels")];
      return ends.every(([channel]) => channel?.isUsable === true);
    });
  }

  /** Alice pays; whoever she is by then ends it. With `trip`, her process stops or dies at that commit of hers. */
  async payBob(alice: AliceProcess, amount: bigint, trip?: Trip): Promise<void> {
    await this.usable(alice);
    const { invoice, paymentHash } = await this.bob.call("invoice", {
      amount: msat(amount),
      description: "",
      hold: false,
    });
    if (trip !== undefined) await this.#arm(alice, trip);
    // The process may stop or die while it is asked.
    const paying = alice.child.call("pay", invoice);
    if (trip === undefined) await paying;
    else paying.catch(() => undefined);
    await this.bob.event(["payment-claimed"], (event) => event.paymentHash === paymentHash);
    await until("Alice knows that she has paid", () =>
      [...this.events.values()].some(
        (event) => event.kind === "payment-sent" && event.paymentHash === paymentHash,
      ),
    );
    this.#bobsShare += amount;
  }

  /** Bob pays Alice. */
  async payAlice(alice: AliceProcess, amount: bigint, trip?: Trip): Promise<void> {
    await this.usable(alice);
    const invoice = await alice.child.call("invoice", {
      amount: msat(amount),
      description: "",
      hold: false,
    });
    if (trip !== undefined) await this.#arm(alice, trip);
    await this.bob.call("pay", invoice.invoice);
    await this.bob.event(["payment-sent"], (event) => event.paymentHash === invoice.paymentHash);
    await until("Alice knows that she was paid", () =>
      [...this.events.values()].some(
        (event) => event.kind === "payment-claimed" && event.paymentHash === invoice.paymentHash,
      ),
    );
    this.#bobsShare -= amount;
  }

  /** When nothing of what was before has still to be committed. */
  async #arm(alice: AliceProcess, { commits, signal }: Trip): Promise<void> {
    await until("the last payment is forgotten", async () => {
      const before = await alice.child.call("commits");
      await pause(200);
      return before === (await alice.child.call("commits"));
    });
    await alice.child.call("trip", commits, signal);
  }

  /** The one channel is open, both ends agree about it to the millisatoshi, and nothing was published. */
  async account(alice: AliceProcess): Promise<string> {
    await this.usable(alice);
    const settled = async (): Promise<string> => {
      const [mine, ...more] = await alice.child.call("channels");
      const [his] = await this.bob.call("channels");
      const mempool = await this.chain.call("mempool");
      const pending = (mine?.pendingHtlcs ?? 0) + (his?.pendingHtlcs ?? 0);
      return `${more.length + 1} channel, pending ${pending}, Bob has ${his?.localBalance} and Alice agrees on ${mine?.remoteBalance}, published ${mempool.length}`;
    };
    await until("nothing is pending", async () => (await settled()).includes("pending 0"));
    return settled();
  }

  /** Alice has paid Bob in another way than by `payBob`. */
  paid(amount: bigint): void {
    this.#bobsShare += amount;
  }

  /** What `account` is to say. */
  get expected(): string {
    return `1 channel, pending 0, Bob has ${this.#bobsShare} and Alice agrees on ${this.#bobsShare}, published 0`;
  }

  async stop(): Promise<void> {
    for (const alice of this.#processes) await alice.end();
    await this.bob.kill();
    await this.chain.kill();
    await this.server.stop();
    rmSync(this.folder, { recursive: true, force: true });
  }
}
