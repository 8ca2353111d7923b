import type { NetworkName } from "@fulmen/bitcoin/network";
import { type ChainSource, FailoverSource, type FailoverSourceOptions } from "@fulmen/chain-sync";
import { BitcoindSource } from "@fulmen/chain-sync/bitcoind";
import { ElectrumSource } from "@fulmen/chain-sync/electrum";
import { EsploraSource } from "@fulmen/chain-sync/esplora";
import { present } from "@fulmen/lightning/util";
import { BitcoindServer } from "@fulmen/testkit/bitcoind";
import type { SimulatedChain } from "@fulmen/testkit/chain";
import type { ChainLie } from "@fulmen/testkit/conformance";
import { ElectrumServer } from "@fulmen/testkit/electrum";
import { EsploraServer } from "@fulmen/testkit/esplora";
import { type HttpHandler, HttpService } from "@fulmen/testkit/sockets";
import { createFundedChain } from "@fulmen/testkit/wallet";
import { type Served, servedElectrum } from "../electrum/servedElectrum.ts";

export type Protocol = "bitcoind" | "esplora" | "electrum";

/** A server with a chain of its own, which begins as everybody's does, and how it may misbehave. */
export abstract class Server {
  readonly chain: SimulatedChain;
  /** Answers nothing, and keeps connections open. */
  hangs = false;
  /** Says of no output that it is spent. Only Esplora's server does. */
  hidesSpends = false;

  constructor(chain: SimulatedChain) {
    this.chain = chain;
  }

  abstract source(network?: NetworkName): ChainSource;
  abstract listen(): Promise<void>;
  /** Ends all connections, and refuses new ones. */
  abstract close(): Promise<void>;
  /** Tells those who wait. */
  abstract update(): void;

  /** Tells such lies of blocks that are new from now on. Only Bitcoin Core's server does. */
  lie(_lie: ChainLie): void {
    throw new Error("this server tells no lies");
  }

  /** Takes the blocks that another chain has above what both have, if it has more. */
  follow(other: SimulatedChain): void {
    for (let height = this.chain.tip.height + 1; height <= other.tip.height; height++) {
      const taken = this.chain.connectBlock(present(other.blockAt(height), "a block").block);
      if (!taken.ok) throw new Error(`block ${height} is not taken`);
    }
    this.update();
  }
}

class Bitcoind extends Server {
  readonly #server = new BitcoindServer(this.chain);
  #service: HttpService | undefined;

  async listen(): Promise<void> {
    const handler: HttpHandler = (request, signal) =>
      this.hangs ? new Promise(() => undefined) : this.#server.answer(request, signal);
    if (this.#service === undefined) this.#service = await HttpService.listen(handler);
    else await this.#service.resume();
  }

  source(network: NetworkName = "regtest"): ChainSource {
    const authentication = { kind: "password", user: "fulmen", password: "secret" } as const;
    const url = `http://127.0.0.1:${this.#service?.port}`;
    return new BitcoindSource({ network, url, authentication, mempoolSeconds: 0.05 });
  }

  async close(): Promise<void> {
    await this.#service?.interrupt();
  }

  override lie(lie: ChainLie): void {
    this.#server.lie(lie);
  }

  update(): void {
    this.#server.update();
  }
}

class Esplora extends Server {
  readonly #server = new EsploraServer(this.chain, {
    tamper: (answer, { path }) => {
      if (this.hangs) return new Promise(() => undefined);
      return this.hidesSpends && /outspend/.test(path) ? { ...answer, body: '{"spent":false}' } : answer;
    },
  });

  listen(): Promise<void> {
    return this.#server.listen();
  }

  source(network: NetworkName = "regtest"): ChainSource {
    const { url } = this.#server;
    return new EsploraSource({ network, url, pollInterval: 10, retryDelay: 1, timeout: 30_000 });
  }

  close(): Promise<void> {
    return this.#server.close();
  }

  update(): void {}
}

class Electrum extends Server {
  readonly #server = new ElectrumServer(this.chain);
  #served: Served | undefined;
  #port = 0;

  async listen(): Promise<void> {
    const tamper = (line: string) => (this.hangs ? [] : line);
    this.#served = await servedElectrum(this.#server, { port: this.#port, tamper });
    this.#port = this.#served.port;
  }

  source(network: NetworkName = "regtest"): ChainSource {
    const servers = [`tcp://127.0.0.1:${this.#port}`];
    const impatient = { minReconnectDelay: 5, maxReconnectDelay: 20, retryDelay: 1, pollInterval: 50 };
    const connectTimeout = 1_000;
    return new ElectrumSource({ network, servers, connectTimeout, ...impatient });
  }

  async close(): Promise<void> {
    await this.#served?.close();
    this.#served = undefined;
  }

  update(): void {
    this.#server.update();
  }
}

const kinds = { bitcoind: Bitcoind, esplora: Esplora, electrum: Electrum } as const;

/** Servers of these protocols, listening, each with a chain of its own unless one is given. */
export async function servedChains(
  protocols: readonly Protocol[],
  chain?: SimulatedChain,
): Promise<readonly Server[]> {
  const servers = protocols.map((protocol) => new kinds[protocol](chain ?? createFundedChain().chain));
  for (const server of servers) await server.listen();
  return servers;
}

/** One source that has all of them. */
export function sourceOf(
  servers: readonly Server[],
  options: Partial<FailoverSourceOptions> = {},
): FailoverSource {
  const [first, ...others] = servers.map((server) => server.source(options.network));
  const sources = [present(first, "a source"), ...others] as const;
  const impatient = { network: "regtest", patience: 400, lookInterval: 15 } as const;
  return new FailoverSource({ ...impatient, sources, ...options });
}
