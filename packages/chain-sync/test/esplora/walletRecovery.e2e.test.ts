import assert from "node:assert/strict";
import { before, describe, it } from "node:test";
import { inspect } from "node:util";
import { networks } from "@fulmen/bitcoin/network";
import { txid as txidOf } from "@fulmen/bitcoin/transaction";
import type { ChainClients } from "@fulmen/chain-sync";
import { EsploraSource } from "@fulmen/chain-sync/esplora";
import { installNodeCrypto } from "@fulmen/crypto-node";
import { blockHeight, feeratePerKw, present, type Result, sat } from "@fulmen/lightning/util";
import { accountFromSeed, Wallet } from "@fulmen/wallet";
import { ApiFetch, apiUrl } from "./apiFetch.ts";

// A wallet comes back from its seed alone, through the gap between its addresses and whatever their order.

const feerate = feeratePerKw(500);

before(() => {
  installNodeCrypto();
});

function ok<T>(result: Result<T, unknown>): T {
  assert.ok(result.ok, inspect(result));
  return result.value;
}

function newWallet(): Wallet {
  let count = 0;
  const randomBytes = (length: number) => new Uint8Array(length).fill(++count);
  const accountOf = (kind: "wpkh" | "tr") =>
    accountFromSeed(new Uint8Array(32).fill(4), { kind, network: networks.regtest });
  return ok(
    Wallet.open(
      {
        accounts: [accountOf("wpkh"), accountOf("tr")],
        entropySource: { randomBytes },
        birthday: blockHeight(100),
        gapLimit: 5,
      },
      [],
    ),
  );
}

class World {
  readonly api = new ApiFetch();
  /** Is told of whole blocks. */
  readonly original = newWallet();

  /** A source of its own, as a new process has it. */
  follow(wallet: Wallet): () => Promise<unknown> {
    const source = new EsploraSource({
      url: apiUrl,
      network: "regtest",
      fetch: this.api.fetch,
      retryDelay: 1,
    });
    const clients: ChainClients = {
      followers: [{ position: () => wallet.bestBlock, listeners: [wallet] }],
      mempool: [{ transactionSeen: (transaction) => void wallet.transactionSeen(transaction) }],
      scripts: [wallet],
    };
    return () => source.sync(clients);
  }

  mine(): void {
    const { chain } = this.api;
    const [mined] = chain.mine(1);
    const { block, height } = present(mined, "a block");
    const transactions = block.transactions.map((transaction, index) => ({ index, transaction }));
    this.original.blockConnected(block.header, transactions, height);
  }

  give(script: Uint8Array, value: number): void {
    const { chain, faucet } = this.api;
    ok(chain.submit(faucet.fund(chain, [{ value: sat(value), script }], feerate)));
  }

  /** The original pays somebody, and gets change. */
  send(value: number): void {
    const { chain, faucet } = this.api;
    const outputs = [{ value: sat(value), script: faucet.script }];
    const signed = ok(this.original.signPsbt(ok(this.original.fundTransaction({ outputs, feerate })).psbt));
    ok(chain.submit(signed));
    this.original.transactionSeen(signed);
  }
}

function summaryOf(wallet: Wallet): unknown {
  const coins = wallet
    .coins()
    .map(({ outPoint, output }) => `${outPoint.txid}:${outPoint.index} ${output.value}`);
  return { balance: wallet.balance(), coins: [...coins].sort(), tip: wallet.bestBlock?.hash };
}

describe("a wallet over an Esplora server", () => {
  it("is found again from its seed, and then follows", async () => {
    const world = new World();
    const { original } = world;
    const addresses = Array.from({ length: 18 }, () => original.nextAddress());
    // The last one was used first: none but the first few are known in the beginning.
    for (const [n, index] of [17, 12, 8, 4].entries()) {
      world.give(present(addresses[index], "an address").script, 30_000 + n);
      world.mine();
    }
    world.give(original.nextAddress(1).script, 70_000);
    world.mine();
    world.send(40_000);
    world.mine();
    world.send(50_000);
    const recovered = newWallet();
    const sync = world.follow(recovered);
    await sync();
    assert.deepEqual(summaryOf(recovered), summaryOf(original));
    assert.equal(recovered.coins().length, original.coins().length);
    world.mine();
    world.mine();
    await sync();
    assert.deepEqual(summaryOf(recovered), summaryOf(original));
  });

  it("lets go of what a reorganisation took away, and takes it again", async () => {
    const world = new World();
    const wallet = newWallet();
    const sync = world.follow(wallet);
    const { chain } = world.api;
    world.give(wallet.nextAddress().script, 30_000);
    const [paying] = chain.mempool;
    chain.mine(3);
    await sync();
    assert.equal(wallet.balance().confirmed, 30_000n);
    chain.reorg(3);
    await sync();
    assert.equal(wallet.balance().confirmed, 0n);
    assert.equal(wallet.transaction(present(paying, "a payment"))?.position.kind, "unconfirmed");
    chain.mine(1);
    await sync();
    assert.equal(wallet.balance().confirmed, 30_000n);
    assert.equal(wallet.bestBlock?.hash, chain.tip.hash);
    assert.ok(
      chain.tip.txids.some((txid) => txid === paying) &&
        txidOf(present(chain.tip.block.transactions[1], "it")) === paying,
    );
  });
});
