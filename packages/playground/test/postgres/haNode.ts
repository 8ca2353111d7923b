import { installNodeCrypto } from "@fulmen/crypto-node";
import type { KvEntry, KvWrite, LeasedStore } from "@fulmen/lightning/chain";
import { waitForLease } from "@fulmen/persist/postgres";
import { startNode } from "#src/node/host";
import type { NodeNotice, NodeService, NodeSettings } from "#src/node/protocol";
import { nodeService } from "#src/node/service";
import { serveParent } from "#src/rpc/parent";

/*
 * A process of a node that several processes could be. It waits for the lease, is the node then, and ends with exit
 * code 3 as soon as the lease is lost. Its only argument are its `HaSettings`, as JSON.
 */

export interface HaSettings extends NodeSettings {
  readonly connection: string;
  readonly leaseDuration: number;
}

export interface HaService extends NodeService {
  /**
   * After so many further commits the process sends itself the signal, before anybody learns that the last one
   * succeeded.
   */
  trip(commits: number, signal: "SIGSTOP" | "SIGKILL"): void;
  epoch(): bigint;
  /** That were made so far. */
  commits(): number;
}

class TrippingStore implements LeasedStore {
  commits = 0;
  readonly #store: LeasedStore;
  #trip: { commits: number; readonly signal: "SIGSTOP" | "SIGKILL" } | undefined;

  constructor(store: LeasedStore) {
    this.#store = store;
  }

  get epoch(): bigint {
    return this.#store.epoch;
  }

  trip(commits: number, signal: "SIGSTOP" | "SIGKILL"): void {
    this.#trip = { commits, signal };
  }

  async commit(batch: readonly KvWrite[]): Promise<void> {
    await this.#store.commit(batch);
    this.commits++;
    if (this.#trip === undefined) return;
    this.#trip.commits--;
    if (this.#trip.commits > 0) return;
    const { signal } = this.#trip;
    this.#trip = undefined;
    process.kill(process.pid, signal);
  }

  holdsLease(): boolean {
    return this.#store.holdsLease();
  }

  onLost(listener: (error: Error) => void): void {
    this.#store.onLost(listener);
  }

  read(key: string): Promise<Uint8Array | undefined> {
    return this.#store.read(key);
  }

  scan(prefix: string, after: string | undefined, limit: number): Promise<readonly KvEntry[]> {
    return this.#store.scan(prefix, after, limit);
  }

  close(): Promise<void> {
    return this.#store.close();
  }
}

const cryptoName = installNodeCrypto();
const [, , json = ""] = process.argv;
const settings = JSON.parse(json) as HaSettings;
const { connection, leaseDuration } = settings;
const opening = waitForLease({
  connection,
  leaseDuration,
  node: "alice",
  answerTimeout: 3_000,
  log: (text) => tell({ kind: "log", level: "info", text }),
}).then((store) => new TrippingStore(store));
const starting = opening.then((store) =>
  startNode(
    settings,
    {
      log: ({ level, module, text }) => tell({ kind: "log", level, text: `${module}: ${text}` }),
      event: (index, event) => tell({ kind: "event", index, event }),
      failed: () => process.exit(3),
    },
    store,
  ),
);

async function service(): Promise<HaService> {
  const [node, store] = [await starting, await opening];
  const { manager, background } = node.parts;
  return {
    ...nodeService(node, cryptoName),
    // The core's own call: its first commit is the payment's, and no row of the node's books comes before it.
    async pay(invoice) {
      const id = manager.payForBolt11Invoice(invoice);
      background.wake();
      return id;
    },
    trip: (commits, signal) => store.trip(commits, signal),
    epoch: () => store.epoch,
    commits: () => store.commits,
  };
}

const notify = serveParent<HaService>(service(), async () => (await starting).stop());

function tell(notice: NodeNotice): void {
  notify(notice);
}
