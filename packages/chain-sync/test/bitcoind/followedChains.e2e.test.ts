import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type BlockHeader, blockHash } from "@fulmen/bitcoin/block";
import { type Transaction, txid } from "@fulmen/bitcoin/transaction";
import { type ChainClients, ChainSourceError } from "@fulmen/chain-sync";
import type { BitcoindSource } from "@fulmen/chain-sync/bitcoind";
import { installNodeCrypto } from "@fulmen/crypto-node";
import type { BlockLocator } from "@fulmen/lightning/chain";
import { type BlockHeight, feeratePerKw, present, sat } from "@fulmen/lightning/util";
import { Faucet, inputOf } from "@fulmen/testkit/wallet";
import { Publisher } from "zeromq";
import { HttpClient } from "#src/bitcoind/httpClient";
import { MempoolTeller } from "#src/bitcoind/mempoolTeller";
import { RpcClient } from "#src/bitcoind/rpcClient";
import { ServedBitcoind } from "./servedChain.ts";

installNodeCrypto();

/** Writes down what it hears. */
class Listener {
  readonly heard: string[] = [];
  position: BlockLocator | undefined;

  constructor(position?: BlockLocator) {
    this.position = position;
  }

  blockConnected(header: BlockHeader, _transactions: unknown, height: BlockHeight): void {
    this.heard.push(`+${height}`);
    const ancestors = [header.previous, ...(this.position?.ancestors ?? [])].slice(0, 12);
    this.position = { hash: blockHash(header), height, ancestors };
  }

  blocksDisconnected(fork: { readonly hash: BlockLocator["hash"]; readonly height: BlockHeight }): void {
    this.heard.push(`-${fork.height}`);
    this.position = { ...fork, ancestors: [] };
  }

  transactionsConfirmed(): void {}
  transactionUnconfirmed(): void {}
  bestBlockUpdated(): void {}
  relevantTxids(): readonly [] {
    return [];
  }

  get clients(): ChainClients {
    const follower = { position: () => this.position, listeners: [this] };
    return { followers: [follower], mempool: [], scripts: [] };
  }
}

async function failure(call: Promise<unknown>): Promise<ChainSourceError> {
  const error = await call.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof ChainSourceError, String(error));
  return error;
}

async function served(
  body: (bitcoind: ServedBitcoind, source: BitcoindSource) => Promise<void>,
  ...options: Parameters<typeof ServedBitcoind.start>
): Promise<void> {
  const bitcoind = await ServedBitcoind.start(...options);
  const source = bitcoind.createSource();
  try {
    await source.start();
    await body(bitcoind, source);
  } finally {
    await source.stop();
    await bitcoind.close();
  }
}

describe("a source that is behind", () => {
  it("is waited for: nobody goes back to a chain with less work", () =>
    served(async ({ chain }, source) => {
      chain.mine(5);
      const listener = new Listener(chain.locator());
      chain.reorg(4, { length: 2 });
      const error = await failure(source.sync(listener.clients));
      assert.deepEqual([error.code, error.isTransient], ["not-synced", true]);
      assert.match(error.message, /at block 112, behind block 114/);
      assert.deepEqual(listener.heard, []);
      chain.mine(2);
      await source.sync(listener.clients);
      assert.deepEqual(listener.heard, ["-110", "+111", "+112", "+113", "+114"]);
    }));

  it("is waited for when it has nothing of what is known", () =>
    served(async (_, source) => {
      await served(async ({ chain }) => {
        chain.reorg(40);
        const listener = new Listener(chain.locator());
        const error = await failure(source.sync(listener.clients));
        assert.equal(error.code, "not-synced");
        assert.deepEqual(listener.heard, []);
      });
    }));

  it("is another one's when it is ahead and has nothing of what is known", () =>
    served(async (bitcoind, source) => {
      bitcoind.chain.mine(5);
      await served(async ({ chain }) => {
        chain.reorg(40);
        const error = await failure(source.sync(new Listener(chain.locator()).clients));
        assert.equal(error.code, "invalid-chain");
        assert.match(error.message, /knows neither block 110 \([0-9a-f]{64}\).*nor the 12 before it/);
      });
    }));
});

describe("a branch of which the source knows nothing any more", () => {
  it("is left by the headers that came from it before", () =>
    served(
      async ({ chain }, source) => {
        const listener = new Listener(chain.locator());
        chain.mine(30);
        await source.sync(listener.clients);
        assert.equal(listener.position?.height, 139);
        chain.reorg(30);
        listener.heard.length = 0;
        await source.sync(listener.clients);
        assert.equal(listener.heard[0], "-109");
        assert.equal(listener.heard.length, 32);
        assert.equal(listener.position?.hash, chain.tip.hash);
      },
      { forgetsBranches: true },
    ));

  it("cannot be left by a node that did not follow it", () =>
    served(
      async ({ chain }, source) => {
        chain.mine(30);
        const listener = new Listener(chain.locator());
        chain.reorg(30);
        const error = await failure(source.sync(listener.clients));
        assert.equal(error.code, "invalid-chain");
        assert.deepEqual(listener.heard, []);
      },
      { forgetsBranches: true },
    ));
});

describe("a pruned node", () => {
  it("says which block it lacks and from which one on it has them", () =>
    served(
      async ({ chain }, source) => {
        const listener = new Listener(await source.locate(20 as BlockHeight));
        const error = await failure(source.sync(listener.clients));
        assert.deepEqual([error.code, error.isTransient], ["pruned", false]);
        assert.match(
          error.message,
          /block 21 is needed, and bitcoind has pruned it: it has blocks from 50 on$/,
        );
        assert.match(error.remedy, /block 21.*prune=0.*-reindex/);
        assert.equal(await source.oldestBlock(), 50);
        const later = new Listener(await source.locate(49 as BlockHeight));
        await source.sync(later.clients);
        assert.equal(later.position?.hash, chain.tip.hash);
      },
      { pruneHeight: 50 },
    ));

  for (const rest of [false, true]) {
    it(`has a peer's help, by ${rest ? "REST" : "RPC"}`, () =>
      served(
        async ({ chain, server }, source) => {
          const listener = new Listener(await source.locate(47 as BlockHeight));
          await source.sync(listener.clients);
          assert.equal(listener.position?.hash, chain.tip.hash);
          assert.equal(server.calls.get("getblockfrompeer"), 2);
        },
        { pruneHeight: 50, hasArchivePeer: true, hasRest: true },
        { rest },
      ));
  }
});

describe("a large mempool", () => {
  it("is told in parts, each transaction once, parents first", () =>
    served(async ({ chain, faucet, server, url }) => {
      const wallet = new Faucet(77);
      const script = wallet.script;
      const line = [faucet.fund(chain, [{ value: sat(1_000_000n), script }], feeratePerKw(1_000))];
      for (let n = 0; n < 9; n++) {
        const parent = present(line.at(-1), "the parent");
        const output = present(parent.outputs[0], "its output");
        const input = inputOf({ txid: txid(parent), index: 0 });
        const value = sat(output.value - 1_000n);
        line.push(wallet.spend([{ input, output }], [{ value, script }]));
      }
      for (const transaction of line) assert.ok(chain.submit(transaction).ok);
      const authentication = { kind: "password", user: "fulmen", password: "secret" } as const;
      const http = new HttpClient(new URL(url));
      const teller = new MempoolTeller(new RpcClient(http, authentication, 5_000), 4);
      const heard: string[] = [];
      const listener = { transactionSeen: (transaction: Transaction) => void heard.push(txid(transaction)) };
      assert.deepEqual([await teller.tell([listener]), heard.length], [true, 4]);
      assert.deepEqual([await teller.tell([listener]), heard.length], [true, 8]);
      assert.deepEqual([await teller.tell([listener]), heard.length], [false, 10]);
      assert.deepEqual(heard, line.map(txid));
      assert.equal(server.calls.get("getrawmempool"), 1);
      assert.deepEqual([await teller.tell([listener]), heard.length], [false, 10]);
      const another: string[] = [];
      const later = { transactionSeen: (transaction: Transaction) => void another.push(txid(transaction)) };
      await teller.tell([listener, later]);
      assert.deepEqual(another, line.slice(0, 4).map(txid));
      http.stop();
    }));
});

describe("what is asked for", () => {
  it("is one long poll, however often somebody begins to wait", () =>
    served(async ({ server, chain }, source) => {
      await source.sync(new Listener(chain.locator()).clients);
      for (let n = 0; n < 20; n++) {
        const controller = new AbortController();
        const waiting = source.changed(controller.signal);
        await new Promise((resolve) => setTimeout(resolve, 2));
        controller.abort();
        await waiting;
      }
      assert.equal(server.calls.get("waitforblockheight"), 1);
    }));

  it("is the mempool now and then, where anybody wants to hear of it", () =>
    served(
      async ({ server, chain }, source) => {
        const listener = new Listener(chain.locator());
        await source.sync({ ...listener.clients, mempool: [{ transactionSeen: () => {} }] });
        const started = performance.now();
        await source.changed(new AbortController().signal);
        assert.ok(performance.now() - started < 900);
        assert.equal(server.calls.get("getrawmempool"), 1);
      },
      {},
      { mempoolSeconds: 0.05 },
    ));

  it("is nothing at all until ZMQ says that there is something", async () => {
    const publisher = new Publisher();
    await publisher.bind("tcp://127.0.0.1:*");
    const address = publisher.lastEndpoint ?? "";
    await served(
      async ({ chain }, source) => {
        await source.sync(new Listener(chain.locator()).clients);
        const waiting = source.changed(new AbortController().signal);
        const publishing = setInterval(() => void publisher.send(["hashblock", Buffer.alloc(32)]), 20);
        await waiting;
        clearInterval(publishing);
      },
      {},
      { zmq: { hashBlock: address } },
    );
    publisher.close();
  });
});
