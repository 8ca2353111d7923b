import { decodeAddress } from "@fulmen/bitcoin/address";
import { networks } from "@fulmen/bitcoin/network";
import { feeratePerKw, type Sat, sat } from "@fulmen/lightning/util";
import { Node, type NodeOptions } from "@fulmen/node";
import { SimulatedChainSource } from "@fulmen/testkit/chainSource";
import { createFundedChain } from "@fulmen/testkit/wallet";

/** A simulated chain with nodes on it that talk over TCP. */
export class Playfield {
  readonly #funded = createFundedChain();
  readonly nodes: Node[] = [];

  get chain() {
    return this.#funded.chain;
  }

  options(name: string, more: Partial<NodeOptions> = {}): NodeOptions {
    return {
      network: "regtest",
      seed: new Uint8Array(32).fill(name.charCodeAt(0)),
      storage: "memory",
      chain: new SimulatedChainSource(this.chain, { pollInterval: 2 }),
      listen: { port: 0 },
      alias: name,
      development: { forwardAtOnce: true, reconnectDelay: 20 },
      ...more,
    };
  }

  async start(name: string, more: Partial<NodeOptions> = {}): Promise<Node> {
    const node = await Node.create(this.options(name, more));
    this.nodes.push(node);
    return node;
  }

  /** Pays from the faucet to the node's wallet, and waits until the node has seen it confirmed. */
  async fund(node: Node, amount: Sat = sat(2_000_000)): Promise<void> {
    const script = decodeAddress(await node.onchain.address(), networks.regtest);
    this.chain.submit(this.#funded.faucet.fund(this.chain, [{ value: amount, script }], feeratePerKw(1_000)));
    await this.mine(1);
  }

  /** Mines, and waits until all nodes are there. */
  async mine(count: number): Promise<void> {
    this.chain.mine(count);
    const { height } = this.chain.tip;
    const running = this.nodes.filter((node) => node.status().phase === "running");
    await until(() => running.every((node) => node.status().chain.height === height), "the tip");
  }

  async stop(): Promise<void> {
    await Promise.all(this.nodes.map((node) => node.stop()));
  }
}

export const rest = (milliseconds: number): Promise<void> =>
  new Promise((resolve) => setTimeout(resolve, milliseconds));

/** Looks again and again until it is so. */
export async function until(
  isSo: () => boolean | Promise<boolean>,
  what: string,
  seconds = 8,
): Promise<void> {
  const end = performance.now() + seconds * 1_000;
  while (!(await isSo())) {
    if (performance.now() > end) throw new Error(`not within ${seconds} s: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 3));
  }
}

/** What the ledger says that a node has, in millisatoshis. */
export function booked(node: Node): bigint {
  let total = 0n;
  for (const [account, amount] of node.ledgerAccounts()) {
    if (/^(wallet$|channel\/|closing\/)/.test(account)) total += amount;
  }
  return total;
}
