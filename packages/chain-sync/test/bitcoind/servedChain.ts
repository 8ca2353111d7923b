import type { NetworkName } from "@fulmen/bitcoin/network";
import { type BitcoindOptions, BitcoindSource } from "@fulmen/chain-sync/bitcoind";
import { BitcoindServer, type BitcoindServerOptions } from "@fulmen/testkit/bitcoind";
import type { SimulatedChain } from "@fulmen/testkit/chain";
import type { ChainLie, ChainSourceMedium } from "@fulmen/testkit/conformance";
import { HttpService } from "@fulmen/testkit/sockets";
import { createFundedChain, type Faucet } from "@fulmen/testkit/wallet";

/** A simulated chain that is served on a real socket as Bitcoin Core serves its own. */
export class ServedBitcoind implements ChainSourceMedium {
  readonly chain: SimulatedChain;
  readonly faucet: Faucet;
  readonly server: BitcoindServer;
  readonly service: HttpService;
  readonly #options: Partial<BitcoindOptions>;

  static async start(
    serverOptions: BitcoindServerOptions = {},
    options: Partial<BitcoindOptions> = {},
  ): Promise<ServedBitcoind> {
    const { chain, faucet } = createFundedChain();
    const server = new BitcoindServer(chain, serverOptions);
    const service = await HttpService.listen((request, signal) => server.answer(request, signal));
    return new ServedBitcoind({ chain, faucet, server, service, options });
  }

  private constructor(parts: {
    readonly chain: SimulatedChain;
    readonly faucet: Faucet;
    readonly server: BitcoindServer;
    readonly service: HttpService;
    readonly options: Partial<BitcoindOptions>;
  }) {
    this.chain = parts.chain;
    this.faucet = parts.faucet;
    this.server = parts.server;
    this.service = parts.service;
    this.#options = parts.options;
  }

  get url(): string {
    return `http://127.0.0.1:${this.service.port}`;
  }

  createSource(network: NetworkName = "regtest", options: Partial<BitcoindOptions> = {}): BitcoindSource {
    const authentication = { kind: "password", user: "fulmen", password: "secret" } as const;
    return new BitcoindSource({ network, authentication, url: this.url, ...this.#options, ...options });
  }

  announce(): void {
    this.server.update();
  }

  interrupt(): Promise<void> {
    return this.service.interrupt();
  }

  resume(): Promise<void> {
    return this.service.resume();
  }

  lie(lie: ChainLie | undefined): void {
    this.server.lie(lie);
  }

  close(): Promise<void> {
    return this.service.close();
  }
}
