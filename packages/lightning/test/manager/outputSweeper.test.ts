import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type BlockHeader, blockHash } from "@fulmen/bitcoin/block";
import { verifyTransaction } from "@fulmen/bitcoin/interpreter";
import { outPointKey } from "@fulmen/bitcoin/primitives";
import { p2wpkh } from "@fulmen/bitcoin/script";
import { type Transaction, type TxOut, txid, weight } from "@fulmen/bitcoin/transaction";
import type { KvEntry, TransactionType } from "#src/chain/index";
import type { SpendableOutputDescriptor } from "#src/handlers/spendableOutput";
import { OutputSweeper, type TrackOptions } from "#src/manager/outputSweeper";
import { KeysManager } from "#src/sign/keysManager";
import { readSweeper } from "#src/storage/v1/sweeper";
import { type BlockHash, blockHeight, type ChannelId, type NodeId, type Txid } from "#src/util/ids";
import { feeratePerKw, sat } from "#src/util/units";
import { spendOf } from "../onchain/monitoredPair.ts";

const firstHeight = 200;
const keys = new KeysManager(new Uint8Array(32).fill(7));
const channelKeysId = new Uint8Array(32).fill(3);

/** The `n`th output that a channel left. */
function output(n: number, value = 50_000): SpendableOutputDescriptor {
  return {
    kind: "static-output",
    channelKeysId,
    outPoint: { txid: n.toString(16).padStart(64, "0") as Txid, index: n },
    output: { value: sat(value), script: keys.destinationScript(channelKeysId) },
  };
}

/** A sweeper with its store, its chain, and all that came out of it. */
class Host {
  readonly rows = new Map<string, Uint8Array>();
  readonly broadcasts: Transaction[] = [];
  readonly watched: string[] = [];
  readonly log: string[] = [];
  feerate = 1_000n;
  scripts = 0;
  hasDestination = true;
  height = firstHeight;
  sweeper: OutputSweeper;
  #sequence = 0;
  #forks = 0;

  constructor() {
    this.sweeper = this.#start();
  }

  track(outputs: readonly SpendableOutputDescriptor[], options?: TrackOptions): void {
    this.sweeper.trackSpendableOutputs(outputs, options);
  }

  take(): number {
    this.#sequence++;
    for (const { key, value } of this.sweeper.takeWrites(this.#sequence)) {
      if (value === undefined) this.rows.delete(key);
      else this.rows.set(key, value);
    }
    return this.#sequence;
  }

  save(): void {
    this.sweeper.committed(this.take());
  }

  restart(): void {
    this.sweeper = this.#start();
  }

  /** A block with these transactions; the sweeper's writes are durable before the next one. */
  mine(...transactions: readonly Transaction[]): BlockHeader {
    this.height++;
    const header = this.#header();
    const inBlock = transactions.map((transaction, index) => ({ index, transaction }));
    this.sweeper.blockConnected(header, inBlock, this.height);
    this.save();
    return header;
  }

  mineEmpty(count: number): void {
    for (let i = 0; i < count; i++) this.mine();
  }

  disconnect(count: number): void {
    this.height -= count;
    this.#forks++;
    this.sweeper.blocksDisconnected({ hash: "00".repeat(32) as BlockHash, height: this.height });
    this.save();
  }

  statuses(): readonly string[] {
    return this.sweeper.trackedSpendableOutputs().map(({ status }) => status.kind);
  }

  last(): Transaction {
    return this.broadcasts.at(-1) ?? assert.fail("nothing was broadcast");
  }

  #header(): BlockHeader {
    return {
      version: 1,
      previous: "00".repeat(32) as BlockHash,
      merkleRoot: "00".repeat(32) as BlockHeader["merkleRoot"],
      time: this.height,
      bits: 0x207f_ffff,
      nonce: this.#forks,
    };
  }

  #start(): OutputSweeper {
    const entries = [...this.rows].sort().map(([key, value]): KvEntry => ({ key, value }));
    const stored = readSweeper(entries);
    assert.ok(stored.ok);
    return new OutputSweeper(
      {
        outputSpender: keys,
        changeDestinationSource: {
          changeDestinationScript: () =>
            this.hasDestination ? p2wpkh(new Uint8Array(20).fill(++this.scripts)) : undefined,
        },
        broadcaster: {
          broadcastTransactions: (transactions: readonly Transaction[], type: TransactionType) => {
            assert.equal(type, "sweep");
            this.broadcasts.push(...transactions);
          },
        },
        feeEstimator: { feerate: () => feeratePerKw(this.feerate) },
        logger: { log: ({ level, text }) => void this.log.push(`${level} ${text}`) },
        filter: {
          registerTransaction: () => undefined,
          registerOutput: ({ outPoint }) => void this.watched.push(outPointKey(outPoint)),
        },
      },
      { bestHeight: this.height, stored: stored.value },
    );
  }
}

function spent({ inputs }: Transaction): readonly number[] {
  return inputs.map(({ outPoint }) => outPoint.index);
}

function checkSweep(transaction: Transaction, outputs: readonly SpendableOutputDescriptor[]): bigint {
  const prevouts = transaction.inputs.map(({ outPoint }): TxOut => {
    const found = outputs.find((one) => outPointKey(one.outPoint) === outPointKey(outPoint));
    return found?.output ?? assert.fail("spends what was not tracked");
  });
  assert.deepEqual(verifyTransaction(transaction, prevouts), { ok: true });
  const paid = transaction.outputs.reduce((total, { value }) => total + value, 0n);
  return prevouts.reduce((total, { value }) => total + value, -paid);
}

/** A transaction of somebody who has the same keys. */
function foreignSpend(descriptor: SpendableOutputDescriptor): Transaction {
  const { txid: id, index } = descriptor.outPoint;
  return spendOf([{ txid: id, index, witness: [new Uint8Array(72)] }]);
}

describe("output sweeper", () => {
  it("spends outputs together, after they are durable, and says how far they are", () => {
    const host = new Host();
    const outputs = [output(1), output(2), output(3)];
    const channelId = "ab".repeat(32) as ChannelId;
    const counterparty = keys.nodeId as NodeId;
    host.track(outputs, { channelId, counterparty });
    host.track(outputs);
    assert.deepEqual(host.statuses(), Array(3).fill("pending-initial-broadcast"));
    assert.deepEqual(
      host.watched,
      outputs.map(({ outPoint }) => outPointKey(outPoint)),
    );
    host.sweeper.rebroadcast();
    assert.deepEqual(host.broadcasts, []);
    const sequence = host.take();
    host.sweeper.committed(sequence - 1);
    assert.deepEqual(host.broadcasts, []);
    host.sweeper.committed(sequence);
    assert.equal(host.broadcasts.length, 1);
    assert.deepEqual(spent(host.last()), [1, 2, 3]);
    assert.equal(host.last().locktime, firstHeight);
    const fee = checkSweep(host.last(), outputs);
    assert.ok(fee >= BigInt(weight(host.last())) && fee <= BigInt(weight(host.last()) + 6));
    assert.deepEqual(host.sweeper.trackedSpendableOutputs()[0], {
      descriptor: outputs[0],
      channelId,
      counterparty,
      status: {
        kind: "pending-first-confirmation",
        spendingTxid: txid(host.last()),
        broadcastHeight: firstHeight,
      },
    });
    const header = host.mine(host.last());
    assert.deepEqual(host.statuses(), Array(3).fill("pending-threshold-confirmations"));
    assert.deepEqual(host.sweeper.relevantTxids(), [
      { txid: txid(host.last()), height: firstHeight + 1, blockHash: blockHash(header) },
    ]);
    host.sweeper.transactionsConfirmed(header, [{ index: 0, transaction: host.last() }], firstHeight + 1);
    assert.equal(host.sweeper.hasWrites, false);
    assert.equal(host.scripts, 1);
  });

  it("broadcasts the same again with every block, and after a restart", () => {
    const host = new Host();
    host.track([output(1)]);
    host.mine();
    const first = txid(host.last());
    host.mineEmpty(2);
    host.restart();
    host.sweeper.rebroadcast();
    assert.deepEqual(host.broadcasts.map(txid), Array(4).fill(first));
    assert.equal(host.sweeper.hasWrites, false);
    assert.equal(host.scripts, 1);
  });

  it("begins again when it died before the commit", () => {
    const host = new Host();
    host.track([output(1)]);
    host.save();
    host.sweeper.rebroadcast();
    host.restart();
    assert.deepEqual(host.statuses(), ["pending-initial-broadcast"]);
    host.mine();
    assert.deepEqual(spent(host.last()), [1]);
  });

  it("replaces what pays too little by now, to the same script, and never pays less", () => {
    const host = new Host();
    const outputs = [output(1)];
    host.track(outputs);
    host.mine();
    const before = host.last();
    host.feerate = 1_252n;
    host.mine();
    assert.equal(txid(host.last()), txid(before));
    host.feerate = 1_253n;
    host.mine();
    const after = host.last();
    assert.notEqual(txid(after), txid(before));
    assert.deepEqual(after.outputs[0]?.script, before.outputs[0]?.script);
    const more = checkSweep(after, outputs) - checkSweep(before, outputs);
    assert.ok(more >= Math.ceil(weight(after) / 4), `${more} more`);
    host.feerate = 253n;
    host.mine();
    assert.equal(txid(host.last()), txid(after));
    assert.equal([...host.rows.keys()].filter((key) => key.includes("transaction")).length, 1);
    // What was replaced confirms all the same.
    host.mine(before);
    assert.deepEqual(host.statuses(), ["pending-threshold-confirmations"]);
    const { length } = host.broadcasts;
    host.mine();
    assert.equal(host.broadcasts.length, length);
  });

  it("waits with what is not worth its fee, and with nothing else", () => {
    const host = new Host();
    host.feerate = 100_000n;
    host.track([output(1, 1_000), output(2, 40_000), output(3, 5_000_000)]);
    host.mine();
    assert.deepEqual(spent(host.last()), [3]);
    host.feerate = 10_000n;
    host.mine();
    assert.deepEqual(spent(host.last()), [2]);
    host.feerate = 1_000_000n;
    host.mineEmpty(3);
    host.feerate = 0n;
    host.mine();
    assert.deepEqual(spent(host.last()), [1]);
    checkSweep(host.last(), [output(1, 1_000)]);
  });

  it("delays what it was told to delay, and leaves out what the wallet finds itself", () => {
    const host = new Host();
    host.track([output(1)], { delayUntilHeight: blockHeight(firstHeight + 3) });
    host.track([output(2)], { excludeStaticOutputs: true });
    host.mineEmpty(2);
    host.restart();
    assert.deepEqual(host.broadcasts, []);
    host.mine();
    assert.deepEqual(spent(host.last()), [1]);
  });

  it("spends the rest anew when somebody else spends a part", () => {
    const host = new Host();
    const outputs = [output(1), output(2)];
    host.track(outputs);
    host.mine();
    const both = host.last();
    host.mine(foreignSpend(output(1)));
    assert.deepEqual(spent(host.last()), [2]);
    assert.notEqual(txid(host.last()), txid(both));
    assert.deepEqual(host.statuses(), ["pending-threshold-confirmations", "pending-first-confirmation"]);
    host.disconnect(1);
    assert.deepEqual(host.statuses(), ["pending-initial-broadcast", "pending-first-confirmation"]);
    host.mine();
    assert.deepEqual(host.broadcasts.slice(-2).flatMap(spent).sort(), [1, 2]);
  });

  for (const depth of [1, 2, 3, 4, 5, 6]) {
    it(`goes on after a reorganisation of depth ${depth}`, () => {
      const host = new Host();
      host.track([output(1)]);
      host.mine();
      const sweep = host.last();
      host.mine(sweep);
      host.mineEmpty(depth - 1);
      const { length } = host.broadcasts;
      host.disconnect(depth);
      assert.deepEqual(host.statuses(), ["pending-first-confirmation"]);
      host.restart();
      host.mine();
      assert.deepEqual(host.broadcasts.slice(length).map(txid), [txid(sweep)]);
      host.mine(sweep);
      assert.deepEqual(host.statuses(), ["pending-threshold-confirmations"]);
    });
  }

  it("is told by transactions and tips as well", () => {
    const host = new Host();
    host.track([output(1)]);
    host.mine();
    const sweep = host.last();
    const header = host.mine();
    host.sweeper.transactionsConfirmed(header, [{ index: 4, transaction: sweep }], host.height);
    assert.deepEqual(host.statuses(), ["pending-threshold-confirmations"]);
    host.sweeper.transactionUnconfirmed("77".repeat(32) as Txid);
    assert.deepEqual(host.statuses(), ["pending-threshold-confirmations"]);
    host.sweeper.transactionUnconfirmed(txid(sweep));
    assert.deepEqual(host.statuses(), ["pending-first-confirmation"]);
    host.sweeper.transactionsConfirmed(header, [{ index: 4, transaction: sweep }], host.height);
    host.sweeper.bestBlockUpdated(header, host.height - 1);
    assert.deepEqual(host.statuses(), ["pending-first-confirmation"]);
  });

  it("forgets what has been spent for a month, and not before", () => {
    const host = new Host();
    host.track([output(1)]);
    host.mine();
    const header = host.mine(host.last());
    const confirmedAt = host.height;
    host.sweeper.bestBlockUpdated(header, confirmedAt + 4_032 + 6 - 2);
    host.save();
    assert.equal(host.rows.size, 2);
    host.track([output(1)]);
    assert.deepEqual(host.statuses(), ["pending-threshold-confirmations"]);
    host.sweeper.bestBlockUpdated(header, confirmedAt + 4_032 + 6 - 1);
    host.save();
    assert.equal(host.rows.size, 0);
    assert.deepEqual(host.statuses(), []);
  });

  it("splits what would be too much for one transaction", () => {
    const host = new Host();
    const outputs = Array.from({ length: 450 }, (_, n) => output(n));
    host.track(outputs);
    host.mine();
    assert.deepEqual(
      host.broadcasts.map(({ inputs }) => inputs.length),
      [200, 200, 50],
    );
    assert.equal(host.scripts, 3);
  });

  it("waits for a wallet without a script, and leaves out the outputs of others", () => {
    const host = new Host();
    host.hasDestination = false;
    const stranger = new KeysManager(new Uint8Array(32).fill(8));
    const foreign = {
      ...output(1),
      output: { value: sat(60_000), script: stranger.destinationScript(channelKeysId) },
    };
    host.track([foreign, output(2)]);
    host.mine();
    assert.deepEqual(host.broadcasts, []);
    assert.match(host.log.join("\n"), /warn the wallet gives no script/);
    host.hasDestination = true;
    host.mineEmpty(2);
    assert.deepEqual(host.broadcasts.map(spent), [[2]]);
    assert.match(host.log.join("\n"), /error output .*:1 is not locked by the keys/);
  });

  it("refuses rows that are corrupt, or lack others", () => {
    const host = new Host();
    host.track([output(1)]);
    host.mine();
    const entries = [...host.rows].sort().map(([key, value]): KvEntry => ({ key, value }));
    const [out, sweep] = entries;
    assert.ok(out !== undefined && sweep !== undefined);
    const kindOf = (rows: readonly KvEntry[]): string => {
      const read = readSweeper(rows);
      return read.ok ? "ok" : read.error.kind;
    };
    assert.equal(kindOf(entries), "ok");
    assert.equal(kindOf([out]), "missing");
    assert.equal(kindOf([{ ...out, key: out.key.replace("01/", "02/") }, sweep]), "corrupt");
    assert.equal(kindOf([out, { ...sweep, key: sweep.key.replace(/.$/, "x") }]), "corrupt");
    assert.equal(kindOf([{ ...out, value: out.value.slice(0, -1) }, sweep]), "corrupt");
  });
});
