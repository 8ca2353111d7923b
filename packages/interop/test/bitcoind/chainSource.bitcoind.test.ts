import { describe, it } from "node:test";
import type { NetworkName } from "@fulmen/bitcoin/network";
import type { ChainSource } from "@fulmen/chain-sync";
import { type BitcoindOptions, BitcoindSource, cookieFile } from "@fulmen/chain-sync/bitcoind";
import { installNodeCrypto } from "@fulmen/crypto-node";
import { Faucet } from "@fulmen/testkit";
import { type ChainSourceMedium, chainSourceConformance } from "@fulmen/testkit/conformance";
import { BitcoindChain, BlockingBitcoind } from "#src/bitcoind/index";
import { CuttableProxy } from "./cuttableProxy.ts";

installNodeCrypto();

/** A Bitcoin Core of its own, whose chain a test mines, and sources that connect to it. */
class CoreMedium implements ChainSourceMedium {
  readonly chain: BitcoindChain;
  readonly faucet = new Faucet(1);
  readonly #node: BlockingBitcoind;
  readonly #proxy: CuttableProxy;
  readonly #options: Partial<BitcoindOptions>;

  static async start(switches: readonly string[], options: Partial<BitcoindOptions>): Promise<CoreMedium> {
    const node = await BlockingBitcoind.start(switches);
    return new CoreMedium(node, await CuttableProxy.start(node.rpcPort), options);
  }

  private constructor(node: BlockingBitcoind, proxy: CuttableProxy, options: Partial<BitcoindOptions>) {
    this.#node = node;
    this.#proxy = proxy;
    this.#options = options;
    this.chain = new BitcoindChain(node, { payTo: this.faucet.script });
    this.chain.mine(109);
  }

  createSource(network: NetworkName = "regtest"): ChainSource {
    const url = `http://127.0.0.1:${this.#proxy.port}`;
    const authentication = cookieFile(this.#node.cookieFile);
    return new BitcoindSource({ network, authentication, url, ...this.#options });
  }

  announce(): void {
    this.chain.followMempool();
  }

  interrupt(): Promise<void> {
    return this.#proxy.cut();
  }

  resume(): Promise<void> {
    return this.#proxy.resume();
  }

  async close(): Promise<void> {
    await this.#proxy.cut();
    this.chain.stop();
  }
}

const abilities = { canInterrupt: true, takesPackages: true } as const;

describe("Bitcoin Core itself, by RPC", () => {
  chainSourceConformance({ describe, it }, () => CoreMedium.start([], {}), abilities);
});

describe("Bitcoin Core itself, by REST", () => {
  chainSourceConformance({ describe, it }, () => CoreMedium.start(["-rest"], { rest: true }), abilities);
});
