import type { Event } from "@fulmen/lightning/handlers";
import { messageOf } from "@fulmen/lightning/util";
import { NodeError } from "./api/nodeError.ts";
import type { NodeOptions } from "./api/options.ts";
import { Bookkeeper } from "./books/index.ts";
import type { ChainFollowing } from "./chain/index.ts";
import { Openings } from "./channels/index.ts";
import type { NodeParts } from "./parts/index.ts";
import { formatAddress, Peers } from "./peers/index.ts";
import {
  announceNode,
  Backups,
  EventHandler,
  endInterrupted,
  forgetOld,
  syncRapidGossip,
} from "./running/index.ts";
import type { NodeKeys } from "./seed/index.ts";
import {
  type BackupRow,
  type PartsObserver,
  readBackupRow,
  StartedParts,
  startParts,
} from "./start/index.ts";

const defaultPort = 9735;
const defaultHost = "127.0.0.1";
const hour = 3_600_000;

/** A node that was started: its parts, and what the node itself does beside them. */
export class RunningNode {
  readonly parts: NodeParts;
  readonly following: ChainFollowing;
  readonly openings: Openings;
  readonly peers: Peers;
  readonly books: Bookkeeper;
  readonly backups: Backups;
  readonly startedAt: number;
  /** `host:port` */
  listening: string | undefined;
  readonly #stack: StartedParts;
  readonly #handler: EventHandler;
  /** Whether the network was told of the node since the start. */
  #isAnnounced = false;

  private constructor(
    { parts, following }: { readonly parts: NodeParts; readonly following: ChainFollowing },
    books: Bookkeeper,
    { stack, backedUp }: { readonly stack: StartedParts; readonly backedUp: BackupRow | undefined },
  ) {
    this.parts = parts;
    this.following = following;
    this.books = books;
    this.openings = new Openings(parts);
    this.peers = new Peers(parts);
    this.backups = new Backups(parts, {
      lastCounter: backedUp?.counter ?? 0,
      birthday: backedUp?.birthday,
      leftOut: backedUp?.leftOut,
      addresses: (nodeId) => this.peers.addressesOf(nodeId),
    });
    this.startedAt = parts.now();
    this.#stack = stack;
    this.#handler = new EventHandler(parts, this.openings, books);
  }

  /**
   * Starts all in order: records, chain, due work and events, and only then peers. What fails, or is ended by `signal`,
   * leaves nothing running.
   */
  static async start(
    options: NodeOptions,
    keys: NodeKeys,
    { signal, ...told }: Pick<PartsObserver, "status" | "progress"> & { readonly signal: AbortSignal },
  ): Promise<RunningNode> {
    const stack = new StartedParts();
    let node: RunningNode | undefined;
    let isWhole = (): void => undefined;
    let start: Promise<void> | undefined = new Promise((resolve) => (isWhole = resolve));
    const observer = {
      event: async (event: Event, index: number): Promise<void> => {
        // Events come once the processor runs, and it runs when the node is whole.
        if (node === undefined) return;
        await node.#handler.handle(event, index);
        options.development?.onEvent?.(event, index);
        if (event.kind === "channel-pending" || event.kind === "channel-closed") node.backups.check();
      },
      ...told,
      chainChanged: () => node?.bookSoon(),
      // One that waited for the backup when the node died waits again: until then there is no backup of this start.
      beforeFunding: async () => {
        if (start !== undefined) await start;
        await node?.backups.taken();
      },
    };
    try {
      const started = await startParts(options, keys, { observer, stack, signal });
      signal.throwIfAborted();
      const books = await Bookkeeper.open(started.parts);
      const backedUp = await readBackupRow(started.parts.store);
      node = new RunningNode(started, books, { stack, backedUp });
      await node.#run();
      isWhole();
      start = undefined;
      return node;
    } catch (error) {
      await stack.endAll().catch(() => undefined);
      throw error;
    }
  }

  /** Ends all in the opposite order. */
  stop(): Promise<void> {
    return this.#stack.endAll();
  }

  /** Has the chain's news booked; what fails is tried with the next ones. */
  bookSoon(): void {
    if (!this.#isAnnounced) this.#announce();
    void this.#book().catch((error: unknown) => {
      const text = messageOf(error);
      this.parts.logger.log({ level: "warn", module: "ledger", text });
    });
  }

  /** When all that follows from the chain's news is durable, events that tell of it included. */
  async #book(): Promise<void> {
    await this.parts.background.saved();
    if (!this.parts.journal.isClosed) await this.books.update();
  }

  async #run(): Promise<void> {
    const { parts, following } = this;
    const { journal, background, transport, reconnector } = parts;
    this.#stack.add(() => journal.close());
    await endInterrupted(parts);
    // Peers hear why before their connections end.
    this.#stack.add(() => transport.close());
    this.#stack.add(() => background.stop());
    background.start();
    this.#stack.add(() => reconnector.stop());
    this.#stack.add(() => this.openings.stop());
    following.start();
    await background.saved();
    if (background.status.kind === "running") this.openings.releaseLeftOver();
    await this.books.update();
    await this.#listen();
    await this.peers.start();
    this.#stack.add(() => this.backups.stop());
    this.backups.check();
    const timer = setInterval(() => this.#upkeep(), hour);
    this.#stack.add(() => clearInterval(timer));
    this.#upkeep();
  }

  async #listen(): Promise<void> {
    const { listen } = this.parts.options;
    if (listen === undefined) return;
    const { host = defaultHost, port = defaultPort } = listen;
    try {
      const bound = await this.parts.transport.listen({ host, port });
      this.listening = formatAddress({ host, port: bound.port });
    } catch (error) {
      const code = error instanceof Error && "code" in error ? String(error.code) : String(error);
      const where = formatAddress({ host, port });
      if (code === "EADDRINUSE") {
        throw new NodeError("port-in-use", `another program listens on ${where}`, {
          remedy: "stop it, or choose another port",
          details: { host, port },
        });
      }
      throw new NodeError("invalid-option", `nobody can listen on ${where}: ${code}`, {
        remedy: "choose an address of this machine, and a port above 1023",
        details: { option: "listen", host, port },
      });
    }
  }

  /** Once there is an announced channel, and then now and again: nodes forget who is silent for two weeks. */
  #announce(): void {
    this.#isAnnounced = announceNode(this.parts);
  }

  #upkeep(): void {
    const { parts } = this;
    this.#announce();
    this.backups.check();
    const failed = (error: unknown): void => {
      const text = messageOf(error);
      parts.logger.log({ level: "warn", module: "node", text });
    };
    void forgetOld(parts).catch(failed);
    void syncRapidGossip(parts).catch(failed);
  }
}
