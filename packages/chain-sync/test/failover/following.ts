import assert from "node:assert/strict";
import { afterEach, it } from "node:test";
import type { ChainClients, FailoverSource, FailoverSourceOptions } from "@fulmen/chain-sync";
import type { WatchedOutput } from "@fulmen/lightning/chain";
import { present } from "@fulmen/lightning/util";
import { RecordingFollower } from "../transactions/recordingFollower.ts";
import { type Protocol, type Server, servedChains, sourceOf } from "./servedChains.ts";

/** What a node does with its source, over real sockets, and all that was told. */
export class Following {
  readonly source: FailoverSource;
  readonly servers: readonly Server[];
  readonly follower = new RecordingFollower();
  readonly failures: unknown[] = [];
  readonly #abort = new AbortController();
  readonly #clients: ChainClients;
  /** The height that the last sync came to. */
  synced = 0;
  #running: Promise<void> = Promise.resolve();

  constructor(source: FailoverSource, servers: readonly Server[], scripts: readonly Uint8Array[] = []) {
    this.source = source;
    this.servers = servers;
    const wallet = { scripts: () => scripts, takeScripts: () => [] };
    const unspent = () => this.unspent();
    this.#clients = { followers: [this.follower], mempool: [], scripts: [wallet], unspent };
  }

  /** What counts as unspent. */
  unspent: () => readonly WatchedOutput[] = () => [];

  /** As a node does: to the tip at the start, and then with each change. */
  async begin(): Promise<void> {
    await this.source.start();
    await this.#sync();
    this.#running = this.#run();
  }

  async #sync(): Promise<void> {
    this.synced = (await this.source.sync(this.#clients)).height;
  }

  async #run(): Promise<void> {
    const { signal } = this.#abort;
    while (!signal.aborted) {
      try {
        await this.source.changed(signal);
        if (!signal.aborted) await this.#sync();
      } catch (error) {
        this.failures.push(error);
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
    }
  }

  get height(): number {
    return this.follower.position()?.height ?? 0;
  }

  server(index: number): Server {
    return present(this.servers[index], "a server");
  }

  /** Blocks that these servers have from now on, and the height of the last. */
  mine(count: number, indexes: readonly number[] = [...this.servers.keys()]): number {
    const [first, ...others] = indexes.map((index) => this.server(index));
    present(first, "a server").chain.mine(count);
    first?.update();
    for (const each of others) each.follow(present(first, "a server").chain);
    return present(first, "a server").chain.tip.height;
  }

  async until(what: string, isSo: () => boolean): Promise<void> {
    const end = performance.now() + 6_000;
    while (!isSo()) {
      if (performance.now() > end) throw new Error(`${what}: at ${this.height} by ${this.source.name}`);
      await new Promise((resolve) => setTimeout(resolve, 3));
    }
  }

  /** Whether blocks come from the server of this index. */
  isBy(index: number): boolean {
    return this.source.name === this.source.members[index]?.name;
  }

  async end(): Promise<void> {
    this.#abort.abort();
    await this.source.stop();
    for (const each of this.servers) await each.close();
    await this.#running;
  }
}

/** Makes one for a test, and ends what the tests of this file began. */
export function followings(): typeof following {
  const begun: Following[] = [];
  afterEach(async () => {
    for (const one of begun.splice(0)) await one.end();
  });
  return async (...scene) => {
    const one = await following(...scene);
    begun.push(one);
    return one;
  };
}

async function following(
  protocols: readonly Protocol[],
  {
    scripts = [],
    ...options
  }: Partial<FailoverSourceOptions> & { readonly scripts?: readonly Uint8Array[] } = {},
): Promise<Following> {
  const servers = await servedChains(protocols);
  return new Following(sourceOf(servers, options), servers, scripts);
}

/** That blocks come from the second where the first fails, and from the first again. */
export function changesBetween(
  begin: ReturnType<typeof followings>,
  pairs: readonly (readonly [Protocol, Protocol])[],
): void {
  for (const [first, second] of pairs) {
    it(`goes from ${first} to ${second} when it dies, and back when it is there again`, async () => {
      const it = await begin([first, second]);
      await it.begin();
      const common = it.mine(1);
      await it.until("the block of both", () => it.height === common);
      assert.ok(it.isBy(0));
      await it.server(0).close();
      const missed = it.mine(2, [1]);
      await it.until("blocks that only the second has", () => it.height === missed);
      assert.ok(it.isBy(1));
      it.server(0).follow(it.server(1).chain);
      await it.server(0).listen();
      await it.until("the first has its place back", () => it.isBy(0));
      const next = it.mine(1, [0]);
      await it.until("a block that only the first has", () => it.height === next);
    });

    it(`hears from ${second} of blocks that ${first} hides, or that it is too hung up to tell`, async () => {
      const it = await begin([first, second]);
      await it.begin();
      const hidden = it.mine(1, [1]);
      await it.until("the hidden block", () => it.height === hidden);
      assert.ok(it.isBy(1));
      it.server(0).follow(it.server(1).chain);
      await it.until("the first is not behind any more", () => it.isBy(0));
      it.server(0).hangs = true;
      const later = it.mine(1);
      await it.until("a block of which the first tells nothing", () => it.height === later);
      assert.ok(it.isBy(1));
    });
  }
}
