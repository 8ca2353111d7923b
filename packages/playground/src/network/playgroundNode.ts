import { mkdirSync } from "node:fs";
import type { Event } from "@fulmen/lightning/handlers";
import type { NodeInfo, NodeNotice, NodeService, NodeSettings, PeerLocation } from "../node/protocol.ts";
import type { Answer } from "../rpc/call.ts";
import { Child } from "../rpc/child.ts";

export interface PlaygroundNodeOptions {
  readonly name: string;
  readonly folder: string;
  /** 32 bytes in hex. */
  readonly seed: string;
  /** 32 bytes in hex, of a node that is paid as one with others. */
  readonly crossNodeSeed?: string | undefined;
  readonly database?: string | undefined;
  readonly chainPort: () => Promise<number>;
  readonly onDeath: (text: string) => void;
  readonly onLog: (level: string, text: string) => void;
}

/** An event of this kind. */
export type EventOf<K extends Event["kind"]> = Extract<Event, { kind: K }>;

const patience = 20_000;

/** A node's process, through its lives: it can be killed and started again with the same store and port. */
export class PlaygroundNode {
  readonly name: string;
  readonly #options: PlaygroundNodeOptions;
  readonly #peers = new Map<string, PeerLocation>();
  readonly #events: Event[] = [];
  readonly #waiters = new Set<(event: Event) => void>();
  #child: Child<NodeService> | undefined;
  #info: NodeInfo | undefined;
  #scripts: readonly Uint8Array[] = [];
  #lastEvent = 0;
  #dashboard: string | undefined;

  constructor(options: PlaygroundNodeOptions) {
    this.#options = options;
    this.name = options.name;
    mkdirSync(options.folder, { recursive: true });
  }

  get isRunning(): boolean {
    return this.#child !== undefined;
  }

  /** Known from the first start on. */
  get nodeId(): string | undefined {
    return this.#info?.nodeId;
  }

  get pid(): number {
    return this.#child?.pid ?? 0;
  }

  /** All events of all its lives, each once, in order. */
  get events(): readonly Event[] {
    return this.#events;
  }

  /** Starts the process, and waits until its peers can reach it. */
  async start(): Promise<NodeInfo> {
    if (this.#child !== undefined) throw new Error(`${this.name} is running already`);
    const { name, folder, seed, crossNodeSeed, database, chainPort, onDeath } = this.#options;
    const settings: NodeSettings = {
      name,
      seed,
      ...(crossNodeSeed !== undefined && { crossNodeSeed }),
      folder,
      ...(database !== undefined && { database }),
      chainPort: await chainPort(),
      port: this.#info?.port ?? 0,
      peers: [...this.#peers.values()],
    };
    const child = new Child<NodeService>({
      name: `${name}'s process`,
      module: new URL("../node/nodeProcess.ts", import.meta.url),
      args: [JSON.stringify(settings)],
      onNotice: (value) => this.#notice(value as NodeNotice),
      onDeath: (text) => {
        this.#child = undefined;
        onDeath(text);
      },
    });
    this.#child = child;
    this.#info = await child.call("info");
    if (this.#dashboard !== undefined) await this.serveDashboard();
    return this.#info;
  }

  /** What it said of itself at its last start. */
  async info(): Promise<NodeInfo> {
    return this.#info ?? this.start();
  }

  /** Serves its dashboard, also after restarts; gives the page's address. */
  async serveDashboard(): Promise<string> {
    this.#dashboard = await this.call("serveDashboard", this.#dashboard);
    return this.#dashboard;
  }

  /** Rejects when the process does not run, and when the node refuses. */
  async call<K extends keyof NodeService>(
    method: K,
    ...args: Parameters<NodeService[K]>
  ): Answer<NodeService, K> {
    if (this.#child === undefined) throw new Error(`${this.name} is not running: restart it first`);
    return this.#child.call(method, ...args);
  }

  /** All scripts that pay to it; when it does not run, those that it last told of. */
  async scripts(): Promise<readonly Uint8Array[]> {
    if (this.isRunning) this.#scripts = await this.call("scripts");
    return this.#scripts;
  }

  /** Connects to another node, also after restarts. */
  async connect(other: PlaygroundNode): Promise<void> {
    const { nodeId, port } = await other.info();
    this.#peers.set(nodeId, { nodeId, port });
    await this.call("connect", { nodeId, port });
  }

  /** The first event, past or to come, of one of these kinds that fits. */
  async event<K extends Event["kind"]>(
    kinds: readonly K[],
    fits: (event: EventOf<K>) => boolean,
  ): Promise<EventOf<K>> {
    const isIt = (event: Event): event is EventOf<K> =>
      kinds.some((kind) => kind === event.kind) && fits(event as EventOf<K>);
    const past = this.#events.find(isIt);
    if (past !== undefined) return past;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#waiters.delete(take);
        reject(new Error(`${this.name} had no ${kinds.join(" or ")} within ${patience / 1000} s`));
      }, patience);
      const take = (event: Event): void => {
        if (!isIt(event)) return;
        clearTimeout(timer);
        this.#waiters.delete(take);
        resolve(event);
      };
      this.#waiters.add(take);
    });
  }

  /** SIGKILL: no goodbye, as when the power fails. */
  async kill(): Promise<void> {
    const child = this.#child;
    if (child === undefined) throw new Error(`${this.name} is not running`);
    this.#child = undefined;
    await child.kill();
  }

  async stop(): Promise<void> {
    const child = this.#child;
    this.#child = undefined;
    await child?.stop();
  }

  abandon(): void {
    this.#child?.abandon();
  }

  #notice(notice: NodeNotice): void {
    switch (notice.kind) {
      case "log":
        this.#options.onLog(notice.level, notice.text);
        return;
      case "failed":
        this.#options.onDeath(`${this.name} failed: ${notice.text}`);
        return;
      case "event":
        // One that was not acknowledged when the node was killed comes again.
        if (notice.index <= this.#lastEvent) return;
        this.#lastEvent = notice.index;
        this.#events.push(notice.event);
        for (const take of [...this.#waiters]) take(notice.event);
        return;
    }
  }
}
