import type { ChildProcess } from "node:child_process";
import { join } from "node:path";
import { ChainBroadcaster, type SimulatedChain } from "@fulmen/testkit";
import { startChild, tell } from "./childProcess.ts";
import type {
  FromMonitorProcess,
  MonitorProcessOptions,
  ToldBlock,
  ToMonitorProcess,
} from "./monitorProtocol.ts";
import { RemoteWatch } from "./remoteWatch.ts";

/** The process that keeps a node's monitors, as this side has it: the `Watch`, the chain source, and its many lives. */
export class MonitorsElsewhere {
  readonly watch = new RemoteWatch();
  /** What it broadcast goes to the chain. */
  readonly broadcaster: ChainBroadcaster;
  /** How often it was started. */
  lives = 0;
  readonly #chain: SimulatedChain;
  readonly #options: MonitorProcessOptions;
  /** At which commits its lives end; after the last of them it lives on. */
  readonly #deaths: number[];
  #child: ChildProcess;
  #isWelcomed = false;
  #isStopped = false;

  /** `deaths`: the commits at which its first lives end. */
  constructor(
    chain: SimulatedChain,
    node: { readonly seed: number; readonly directory: string },
    deaths: readonly number[],
  ) {
    this.#chain = chain;
    this.broadcaster = new ChainBroadcaster(chain);
    this.#deaths = [...deaths];
    const storePath = join(node.directory, `monitors-${node.seed}.sqlite`);
    this.#options = { seed: node.seed, storePath, tip: chain.locator() };
    this.#child = this.#start();
  }

  /** Whether this life has said what it has. */
  get isWelcomed(): boolean {
    return this.#isWelcomed;
  }

  /** Tells it of blocks, whether it has them or not. */
  tellBlocks(blocks: readonly ToldBlock[]): void {
    const message: ToMonitorProcess = {
      kind: "blocks",
      blocks: blocks.map(({ block, hash, height }) => ({ block, hash, height })),
    };
    tell(this.#child, message);
  }

  stop(): void {
    this.#isStopped = true;
    this.#child.kill("SIGKILL");
  }

  #start(): ChildProcess {
    this.lives++;
    this.#isWelcomed = false;
    const diesAt = this.#deaths.shift();
    const child = startChild("./monitorProcess.ts", { ...this.#options, ...(diesAt && { diesAt }) });
    child.on("message", (message) => this.#take(message as FromMonitorProcess));
    child.once("exit", () => {
      this.watch.lost();
      if (!this.#isStopped) this.#child = this.#start();
    });
    this.watch.connected((message) => {
      const wrapped: ToMonitorProcess = { kind: "from-manager", message };
      tell(child, wrapped);
    });
    return child;
  }

  #take(message: FromMonitorProcess): void {
    switch (message.kind) {
      case "to-manager":
        if (message.message.kind === "welcome") this.#isWelcomed = true;
        this.watch.receive(message.message);
        return;
      case "want-blocks":
        this.tellBlocks(this.#chain.blocksSince(message.tip).connected);
        return;
      case "broadcast":
        this.broadcaster.broadcastTransactions(message.transactions, message.type);
        return;
    }
  }
}
