import { decodeAddress } from "@fulmen/bitcoin/address";
import { networks } from "@fulmen/bitcoin/network";
import { feeratePerKw, type Sat } from "@fulmen/lightning/util";
import type { SimulatedChain } from "../chain/index.ts";
import { createFundedChain, type Faucet } from "../wallet/index.ts";
import { SimulatedChainSource, type SimulatedChainSourceOptions } from "./simulatedChainSource.ts";

export interface PracticeChainOptions {
  /** Mines a block as often, until `stop`. Default: only when `mine` or `pay` is called. */
  readonly millisecondsPerBlock?: number;
}

/** What the faucet's payments pay: 4 sat/vB. */
const feerate = feeratePerKw(1_000);
/** Milliseconds between two looks at who has followed. */
const look = 2;

/** A regtest of one's own for nodes of the same process, to try things out: no Bitcoin Core, no Docker, no waiting. */
export class PracticeChain {
  readonly chain: SimulatedChain;
  readonly #faucet: Faucet;
  readonly #sources: SimulatedChainSource[] = [];
  readonly #timer: ReturnType<typeof setInterval> | undefined;

  constructor({ millisecondsPerBlock }: PracticeChainOptions = {}) {
    const { chain, faucet } = createFundedChain();
    this.chain = chain;
    this.#faucet = faucet;
    if (millisecondsPerBlock !== undefined) {
      this.#timer = setInterval(() => this.chain.mine(), millisecondsPerBlock);
    }
  }

  /** What a node follows this chain by; each node needs its own. */
  source(options: SimulatedChainSourceOptions = {}): SimulatedChainSource {
    const source = new SimulatedChainSource(this.chain, options);
    this.#sources.push(source);
    return source;
  }

  /** Gives coins to an address, in a block of their own; resolves when all nodes know of it. */
  async pay(address: string, value: Sat): Promise<void> {
    const script = decodeAddress(address, networks.regtest);
    const paid = this.chain.submit(this.#faucet.fund(this.chain, [{ value, script }], feerate));
    if (!paid.ok) throw new Error(`the faucet cannot pay: ${paid.error.kind}`);
    await this.mine();
  }

  /** Mines, and resolves when all nodes that run know of it. */
  async mine(count = 1): Promise<void> {
    this.chain.mine(count);
    const { height } = this.chain.tip;
    while (this.#sources.some((source) => source.isRunning && source.syncedTo < height)) {
      await new Promise((resolve) => setTimeout(resolve, look));
    }
  }

  /** No more blocks come by themselves. */
  stop(): void {
    clearInterval(this.#timer);
  }
}
