import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { BumpTransactionHandler } from "@fulmen/background";
import { p2a, p2wpkh } from "@fulmen/bitcoin/script";
import { decodeTransaction, type Transaction, txid, weight } from "@fulmen/bitcoin/transaction";
import {
  type CoinSelection,
  type CoinSelectionRefusal,
  type CoinSelectionRequest,
  type CoinSelectionSource,
  claimIdOf,
} from "@fulmen/lightning/chain";
import type { LogRecord } from "@fulmen/lightning/handlers";
import type { BumpTransactionEvent } from "@fulmen/lightning/onchain";
import {
  type ChannelId,
  err,
  feeratePerKw,
  type NodeId,
  ok,
  type Result,
  type Sat,
  sat,
  type Txid,
} from "@fulmen/lightning/util";
import { fakeNode, idleMonitor } from "./fakes.ts";
import { settled } from "./manualClock.ts";

const script = p2wpkh(new Uint8Array(20).fill(1));
const coin = sat(100_000n);

const inputOf = (byte: number): Transaction["inputs"][number] => ({
  outPoint: { txid: byte.toString(16).padStart(2, "0").repeat(32) as Txid, index: 0 },
  scriptSig: new Uint8Array(0),
  sequence: 0xffff_fffd,
  witness: [],
});

const commitment: Transaction = {
  version: 3,
  locktime: 0,
  inputs: [{ ...inputOf(0xf0), witness: [new Uint8Array(200)] }],
  outputs: [
    { value: sat(50_000n), script },
    { value: sat(0n), script: p2a() },
  ],
};

function closing(claim: number, feerate: number): BumpTransactionEvent {
  return {
    kind: "channel-close",
    channelId: "11".repeat(32) as ChannelId,
    counterparty: `02${"22".repeat(32)}` as NodeId,
    channelKeysId: new Uint8Array(32),
    claimId: claimIdOf(new Uint8Array(32).fill(claim)),
    version: 3,
    locktime: 100,
    packageTargetFeerate: feeratePerKw(feerate),
    commitment,
    commitmentFee: sat(0n),
    atStake: sat(0n),
    anchor: { outPoint: { txid: txid(commitment), index: 1 }, output: { value: sat(0n), script: p2a() } },
  };
}

/** A wallet of one coin, which answers when it is told to; what it signs has no signatures. */
class SlowWallet implements CoinSelectionSource {
  readonly requests: CoinSelectionRequest[] = [];
  waiting: (() => void)[] = [];
  readonly retained: (readonly string[])[] = [];
  isSlow = false;
  refusal: CoinSelectionRefusal | undefined;
  failure: Error | undefined;

  async selectConfirmedUtxos(
    request: CoinSelectionRequest,
  ): Promise<Result<CoinSelection, CoinSelectionRefusal>> {
    this.requests.push(request);
    if (this.isSlow) await new Promise<void>((resolve) => this.waiting.push(resolve));
    if (this.failure !== undefined) throw this.failure;
    if (this.refusal !== undefined) return err(this.refusal);
    const { targetFeerate, parent, minimumFee = sat(0n) } = request;
    const fee = (targetFeerate * BigInt(600 + (parent?.weight ?? 0))) / 1000n + 1n;
    const change = coin - (fee > minimumFee ? fee : minimumFee);
    const { outPoint, sequence } = inputOf(0xc0);
    const utxo = { outPoint, sequence, output: { value: coin, script }, satisfactionWeight: 112 };
    return ok({ confirmedUtxos: [utxo], changeOutput: { value: change as Sat, script } });
  }

  signPsbt(psbt: Uint8Array) {
    // Magic, key, and the length of the transaction, which is below 253.
    return Promise.resolve(ok(decodeTransaction(psbt.slice(8, 8 + (psbt[7] ?? 0)))));
  }

  retainClaims(claimIds: readonly string[]): void {
    this.retained.push(claimIds);
  }

  answer(): void {
    this.waiting.shift()?.();
  }
}

function world() {
  const wallet = new SlowWallet();
  const log: LogRecord[] = [];
  const packages: (readonly Transaction[])[] = [];
  const handler = new BumpTransactionHandler({
    coins: wallet,
    signerProvider: { deriveChannelSigner: () => ({ signSpend: () => undefined }) },
    broadcaster: { broadcastTransactions: (transactions) => packages.push(transactions) },
    logger: { log: (record) => log.push(record) },
  });
  return { wallet, log, packages, handler, texts: () => log.map(({ text }) => text) };
}

const feeOf = (child: Transaction | undefined): bigint => coin - (child?.outputs[0]?.value ?? coin);

describe("the bump transaction handler", () => {
  it("broadcasts the commitment with its child once what the wallet wrote is saved", async () => {
    const { handler, packages } = world();
    let save = (): void => {};
    const done = handler.handle(
      [closing(1, 1000)],
      () =>
        new Promise((resolve) => {
          save = resolve;
        }),
    );
    await settled();
    assert.equal(packages.length, 0);
    save();
    await done;
    const [parent, child] = packages[0] ?? [];
    assert.equal(parent, commitment);
    assert.deepEqual([child?.version, child?.locktime], [3, 100]);
    assert.deepEqual(child?.inputs.map(({ outPoint }) => outPoint.txid).slice(0, 1), [txid(commitment)]);
    assert.ok(feeOf(child) >= weight(commitment) + weight(child ?? commitment));
  });

  it("answers one claim's events one after the other, the newest next, and other claims beside it", async () => {
    const { handler, wallet, packages, log } = world();
    wallet.isSlow = true;
    const all = [1000, 1100, 2000].map((feerate) => handler.handle([closing(1, feerate)]));
    all.push(handler.handle([closing(2, 500)]));
    await settled();
    assert.deepEqual(
      wallet.requests.map(({ targetFeerate }) => targetFeerate),
      [1000n, 500n],
    );
    assert.equal(log.filter(({ text }) => /has not answered yet/.test(text)).length, 2);
    while (wallet.waiting.length > 0) {
      wallet.answer();
      await settled();
    }
    await Promise.all(all);
    assert.deepEqual(
      wallet.requests.map(({ targetFeerate }) => targetFeerate),
      [1000n, 500n, 2000n],
    );
    assert.equal(packages.length, 3);
  });

  it("broadcasts the same again, and replaces it for no less than BIP 125 asks", async () => {
    const { handler, wallet, packages } = world();
    await handler.handle([closing(1, 1000)]);
    await handler.handle([closing(1, 1000)]);
    const [first, again] = packages.map(([, child]) => child);
    assert.ok(first !== undefined);
    assert.equal(again, first);
    // The wallet asks a little more, which is less than the right to replace costs.
    await handler.handle([closing(1, 1001)]);
    const [, , third] = packages.map(([, child]) => child);
    assert.ok(third !== undefined && wallet.requests.at(-1)?.minimumFee !== undefined);
    assert.ok(feeOf(third) >= feeOf(first) + BigInt(Math.ceil(weight(third) / 4)));
  });

  it("logs what a wallet refuses, with its numbers, and what it throws, and goes on with the next event", async () => {
    const { handler, wallet, packages, texts } = world();
    wallet.refusal = {
      kind: "insufficient-funds",
      needed: sat(900n),
      available: sat(20n),
      reserved: sat(7n),
    };
    await handler.handle([closing(1, 1000)]);
    wallet.failure = new Error("the wallet's process is gone");
    await handler.handle([closing(1, 1000)]);
    assert.equal(packages.length, 0);
    assert.match(
      texts()[0] ?? "",
      /channel-close: needs 900 sat, the wallet has 20 sat for it; 7 sat are reserved$/,
    );
    assert.match(texts()[1] ?? "", /the wallet's process is gone$/);
    [wallet.failure, wallet.refusal] = [undefined, undefined];
    await handler.handle([closing(1, 1000)]);
    assert.equal(packages.length, 1);
  });

  it("broadcasts nothing when the wallet signs something else", async () => {
    const { handler, wallet, packages, texts } = world();
    wallet.signPsbt = () => Promise.resolve(ok({ ...commitment, outputs: [] }));
    await handler.handle([closing(1, 1000)]);
    assert.equal(packages.length, 0);
    assert.match(texts()[0] ?? "", /signed another transaction/);
  });
});

describe("a background processor with a wallet", () => {
  it("broadcasts when the wallet's rows are durable, though another batch was under way before", async () => {
    const { wallet, handler, packages } = world();
    const events: BumpTransactionEvent[] = [];
    const { processor, store, manager } = fakeNode({
      bumpTransactionHandler: handler,
      wallet: {
        takeWrites: () =>
          wallet.requests.splice(0).map(() => ({ key: "wallet/lock", value: new Uint8Array(1) })),
      },
      chainMonitor: { ...idleMonitor, takeBumpEvents: () => events.splice(0) },
    });
    store.automatic = false;
    processor.start();
    manager.happens("a");
    processor.wake();
    await settled();
    events.push(closing(1, 1000));
    processor.wake();
    await settled();
    assert.deepEqual(store.history, ["a batch-sequence"]);
    store.fulfil(0);
    await settled();
    assert.deepEqual(store.history, ["a batch-sequence", "wallet/lock"]);
    assert.equal(packages.length, 0);
    store.fulfil(0);
    await settled();
    assert.equal(packages.length, 1);
  });

  it("has bump events answered, and commits the wallet's rows before anything is broadcast", async () => {
    const { wallet, handler, packages } = world();
    const events: BumpTransactionEvent[] = [closing(1, 1000)];
    let rows = [{ key: "wallet/lock", value: Uint8Array.of(1) }];
    const { processor, store, clock } = fakeNode({
      bumpTransactionHandler: handler,
      wallet: {
        takeWrites: () => {
          const taken = wallet.requests.length > 0 ? rows : [];
          if (wallet.requests.length > 0) rows = [];
          return taken;
        },
      },
      chainMonitor: {
        ...idleMonitor,
        takeBumpEvents: () => events.splice(0),
        unsettledClaims: () => [claimIdOf(new Uint8Array(32).fill(1))],
      },
    });
    store.automatic = false;
    processor.start();
    await settled();
    assert.deepEqual(store.history, ["wallet/lock"]);
    assert.equal(packages.length, 0);
    store.fulfil(0);
    await settled();
    assert.equal(packages.length, 1);

    // While the store fails, the chain does not wait.
    store.failure = new Error("disk full");
    rows = [{ key: "wallet/lock", value: Uint8Array.of(2) }];
    processor.wake();
    await settled();
    assert.equal(processor.status.kind, "frozen");
    events.push(closing(1, 2000));
    processor.wake();
    await settled();
    assert.equal(packages.length, 2);
    await clock.advance(30_000);
    assert.deepEqual(wallet.retained, [[claimIdOf(new Uint8Array(32).fill(1))]]);
    await processor.stop();
  });
});
