import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { isDeepStrictEqual } from "node:util";
import type { BlockHeader } from "@fulmen/bitcoin/block";
import { blockHash } from "@fulmen/bitcoin/block";
import { verifyTransaction } from "@fulmen/bitcoin/interpreter";
import { outPointKey } from "@fulmen/bitcoin/primitives";
import { type Transaction, txid } from "@fulmen/bitcoin/transaction";
import type { KvEntry, KvWrite, TransactionType } from "#src/chain/index";
import { formatNames } from "#src/commitment/formats/formatOf";
import type { FormatName } from "#src/commitment/params";
import type { SpendableOutputDescriptor } from "#src/handlers/spendableOutput";
import { ChainMonitor } from "#src/manager/chainMonitor";
import { type Balance, claimableBalances } from "#src/onchain/balances";
import type { ChannelMonitor } from "#src/onchain/channelMonitor";
import type { ChannelMonitorUpdate } from "#src/onchain/channelMonitorUpdate";
import { allPastHtlcs } from "#src/onchain/pastHtlcs";
import type { MonitorEvent } from "#src/onchain/watch";
import { KeysManager } from "#src/sign/keysManager";
import { restoreMonitors } from "#src/storage/v1/readMonitors";
import type { BlockHash } from "#src/util/ids";
import { InvariantError } from "#src/util/invariant";
import { feeratePerKw, msat } from "#src/util/units";
import {
  channelId,
  hashes,
  type MonitoredParty,
  monitoredPair,
  preimages,
  settle,
  spendOf,
} from "../onchain/monitoredPair.ts";

const firstHeight = 101;
const expiry = 500;

/** A chain monitor with its store, and all that came out of it. */
class Host {
  readonly party: MonitoredParty;
  readonly entries = new Map<string, Uint8Array>();
  readonly broadcasts: { readonly transaction: Transaction; readonly type: TransactionType }[] = [];
  readonly watched = new Set<string>();
  readonly events: MonitorEvent[] = [];
  chainMonitor: ChainMonitor;
  /** Outputs that a sweeper was told of, with the height at that moment. */
  readonly told: string[] = [];
  readonly #storesApart: boolean;
  #sequence = 0;

  constructor(party: MonitoredParty, { storesApart = false } = {}) {
    this.party = party;
    this.#storesApart = storesApart;
    this.chainMonitor = this.#start([], 100);
    this.#commit(this.chainMonitor.setupWrites(party.setup));
    assert.equal(this.chainMonitor.watchChannel(party.setup), "completed");
    for (const update of party.updates) assert.equal(this.update(update), "completed");
  }

  get monitor(): ChannelMonitor {
    return this.chainMonitor.monitor(channelId) ?? assert.fail("no monitor");
  }

  update(update: ChannelMonitorUpdate): string {
    this.#commit(this.chainMonitor.updateWrites([update]));
    return this.chainMonitor.updateChannel(update);
  }

  close(broadcast: boolean): string {
    const updateId = this.monitor.latestUpdateId + 1;
    return this.update({
      channelId,
      updateId,
      steps: [{ kind: "channel-force-closed", broadcast }],
      after: [],
    });
  }

  /** Takes what there is, and commits it. */
  save(): void {
    this.events.push(...this.chainMonitor.takeMonitorEvents());
    this.#sequence++;
    this.#commit(this.chainMonitor.takeWrites(this.#sequence));
    this.chainMonitor.committed(this.#sequence);
  }

  /** Starts again from the store alone. */
  restart(): void {
    const height = this.chainMonitor.bestHeight;
    const entries = [...this.entries].sort().map(([key, value]): KvEntry => ({ key, value }));
    this.chainMonitor = this.#start(entries, height);
  }

  #start(entries: readonly KvEntry[], bestHeight: number): ChainMonitor {
    const restored = restoreMonitors(entries);
    assert.ok(restored.ok);
    const environment = {
      signerProvider: this.party.keysManager,
      broadcaster: {
        broadcastTransactions: (transactions: readonly Transaction[], type: TransactionType) => {
          for (const transaction of transactions) this.broadcasts.push({ transaction, type });
        },
      },
      feeEstimator: { feerate: () => feeratePerKw(1000) },
      logger: { log: () => undefined },
      storesApart: this.#storesApart,
      ...(!this.#storesApart && {
        sweeper: {
          trackSpendableOutputs: (outputs: readonly SpendableOutputDescriptor[]) => {
            for (const { outPoint } of outputs)
              this.told.push(`${outPointKey(outPoint)} at ${this.chainMonitor.bestHeight}`);
          },
        },
      }),
      filter: {
        registerTransaction: () => undefined,
        registerOutput: ({ outPoint }: { outPoint: { txid: string; index: number } }) => {
          this.watched.add(`${outPoint.txid}:${outPoint.index}`);
        },
      },
    };
    return new ChainMonitor(environment, { bestHeight, monitors: restored.value });
  }

  #commit(writes: readonly KvWrite[]): void {
    for (const { key, value } of writes) {
      if (value === undefined) this.entries.delete(key);
      else this.entries.set(key, value);
    }
  }
}

interface TestBlock {
  readonly header: BlockHeader;
  readonly height: number;
  readonly transactions: readonly { readonly index: number; readonly transaction: Transaction }[];
}

/** Blocks from `firstHeight` on with these transactions. */
function chainOf(blocks: readonly (readonly Transaction[])[], fork = 0): readonly TestBlock[] {
  return blocks.map((transactions, i) => ({
    header: {
      version: 1,
      previous: "00".repeat(32) as BlockHash,
      merkleRoot: "00".repeat(32) as BlockHeader["merkleRoot"],
      time: i,
      bits: 0x207f_ffff,
      nonce: fork,
    },
    height: firstHeight + i,
    transactions: transactions.map((transaction, index) => ({ index, transaction })),
  }));
}

/** How a chain source may tell of blocks. */
const deliveries: Readonly<Record<string, (host: Host, blocks: readonly TestBlock[]) => void>> = {
  "whole blocks": (host, blocks) => {
    for (const { header, transactions, height } of blocks) {
      host.chainMonitor.blockConnected(header, transactions, height);
      host.save();
    }
  },
  "transactions first": (host, blocks) => {
    for (const { header, transactions, height } of blocks) {
      host.chainMonitor.transactionsConfirmed(header, transactions, height);
      host.save();
      host.chainMonitor.bestBlockUpdated(header, height);
      host.save();
    }
  },
  "best block first, everything twice": (host, blocks) => {
    for (const { header, transactions, height } of blocks) {
      for (let time = 0; time < 2; time++) {
        host.chainMonitor.bestBlockUpdated(header, height);
        host.chainMonitor.transactionsConfirmed(header, transactions, height);
      }
      host.save();
    }
  },
  "skipping tips": (host, blocks) => {
    for (const { header, transactions, height } of blocks) {
      if (transactions.length > 0) host.chainMonitor.transactionsConfirmed(header, transactions, height);
    }
    const last = blocks.at(-1) ?? assert.fail("no block");
    host.chainMonitor.bestBlockUpdated(last.header, last.height);
    host.save();
  },
  "a restart after every block": (host, blocks) => {
    for (const { header, transactions, height } of blocks) {
      host.chainMonitor.blockConnected(header, transactions, height);
      host.save();
      const before = host.monitor;
      host.restart();
      assert.ok(isDeepStrictEqual(host.monitor, before), "another monitor after a restart");
    }
  },
};

/** A channel with HTLCs from the first party: twins 0 and 1, dust 2, and 3. */
function channelWithHtlcs(format: FormatName): readonly [MonitoredParty, MonitoredParty] {
  const [a, b] = monitoredPair(format);
  const [first, second] = hashes;
  assert.ok(first !== undefined && second !== undefined);
  a.add(msat(50_000_000), first, expiry);
  a.add(msat(50_000_000), first, expiry);
  a.add(msat(100_000), second, expiry);
  a.add(msat(70_000_000), second, expiry);
  settle(a, b);
  return [a, b];
}

function names(events: readonly MonitorEvent[]): readonly string[] {
  return [
    ...new Set(events.map((event) => ("htlcId" in event ? `${event.kind} ${event.htlcId}` : event.kind))),
  ];
}

function lockOf(host: Host): ChannelMonitor["lock"] {
  return host.monitor.lock;
}

function balancesOf(host: Host): readonly Balance[] {
  return claimableBalances(host.monitor, host.party.keysManager.destinationScript(new Uint8Array(32)));
}

function spenderOf(host: Host): string | undefined {
  return host.monitor.chain.fundingSpend?.spender.kind;
}

function latest(party: MonitoredParty): NonNullable<MonitoredParty["ownCommitments"][number]> {
  return party.ownCommitments.at(-1) ?? assert.fail("no commitment");
}

function outputOf(party: MonitoredParty, htlcId: bigint): number {
  return latest(party).htlcs.find(({ id }) => id === htlcId)?.outputIndex ?? assert.fail("no such HTLC");
}

for (const format of formatNames) {
  describe(`chain monitor, ${format}`, () => {
    for (const [name, deliver] of Object.entries(deliveries)) {
      it(`tells the same of the same blocks -- ${name}`, () => {
        const [a, b] = channelWithHtlcs(format);
        const host = new Host(a);
        const { transaction } = latest(b);
        const id = txid(transaction);
        const witness = [new Uint8Array(0), preimages[0] ?? assert.fail("no preimage"), new Uint8Array(90)];
        const claim = spendOf([{ txid: id, index: outputOf(b, 1n), witness }]);
        const timeout = spendOf([{ txid: id, index: outputOf(b, 3n), witness: [new Uint8Array(72)] }]);
        deliver(host, chainOf([[], [transaction, claim], [timeout], [], [], [], [], []]));
        assert.deepEqual([...names(host.events)].sort(), [
          "commitment-confirmed",
          "htlc-timed-out 2",
          "htlc-timed-out 3",
          "preimage-seen 1",
          "spendable-outputs",
        ]);
        assert.equal(spenderOf(host), "counterparty-commitment");
        assert.deepEqual(host.monitor.lock, {
          afterUpdateId: a.updates.length + 1,
          broadcast: false,
          cause: "funding-spent",
        });
        assert.deepEqual(
          host.chainMonitor.relevantTxids().map((one) => [one.txid, one.height]),
          [
            [id, 102],
            [txid(claim), 102],
            [txid(timeout), 103],
          ],
        );
        for (const { outputIndex } of latest(b).htlcs) assert.ok(host.watched.has(`${id}:${outputIndex}`));
        assert.deepEqual(
          balancesOf(host).map(({ kind }) => kind),
          ["maybe-timeout-claimable-htlc"],
        );
        assert.deepEqual(host.broadcasts, []);
      });
    }

    it("tells that an HTLC is lost to its deadline six blocks deep, not five", () => {
      const [a, b] = channelWithHtlcs(format);
      const host = new Host(a);
      const blocks = chainOf([[latest(b).transaction], [], [], [], [], []]);
      const whole = deliveries["whole blocks"] ?? assert.fail("no such delivery");
      whole(host, blocks.slice(0, 5));
      assert.deepEqual(names(host.events), ["commitment-confirmed"]);
      whole(host, blocks.slice(5));
      assert.deepEqual(names(host.events), ["commitment-confirmed", "htlc-timed-out 2", "spendable-outputs"]);
    });

    it("tells of a closing transaction, whose last signature may never have come", () => {
      const [a] = channelWithHtlcs(format);
      const host = new Host(a);
      const { txid: id, index } = host.monitor.setup.funding.outPoint;
      const closing = spendOf([{ txid: id, index, witness: [] }]);
      const whole = deliveries["whole blocks"] ?? assert.fail("no such delivery");
      whole(host, chainOf([[closing], [], [], [], [], []]));
      assert.deepEqual(names(host.events), ["cooperative-close-confirmed"]);
      assert.equal(spenderOf(host), "cooperative-close");
      assert.deepEqual(host.broadcasts, []);
    });

    it("punishes at once, and not again what was taken", () => {
      const [a, b] = channelWithHtlcs(format);
      const revoked = latest(b);
      b.fulfill(b.removable()[0] ?? assert.fail("nothing to fulfill"));
      settle(a, b);
      const host = new Host(a);
      host.chainMonitor.blockConnected(
        ...blockArguments(chainOf([[revoked.transaction]])[0] ?? assert.fail("no block")),
      );
      const penalties = host.broadcasts.map(({ transaction }) => transaction);
      const taken = penalties.flatMap(({ inputs }) => inputs.map(({ outPoint }) => outPoint.index));
      const expected = [...revoked.htlcs.map(({ outputIndex }) => outputIndex), revoked.toOwner?.index ?? -1];
      assert.deepEqual(taken.sort(), expected.sort());
      for (const penalty of penalties) {
        const prevouts = penalty.inputs.map(
          ({ outPoint }) => revoked.transaction.outputs[outPoint.index] ?? assert.fail("no such output"),
        );
        assert.deepEqual(verifyTransaction(penalty, prevouts), { ok: true });
      }
      const ofKind = (kind: Balance["kind"]): number =>
        balancesOf(host).filter((balance) => balance.kind === kind).length;
      assert.equal(ofKind("counterparty-revoked-output-claimable"), expected.length);
      assert.equal(ofKind("claimable-awaiting-confirmations"), 1);
      host.save();
      host.broadcasts.length = 0;
      const next = chainOf([[], penalties])[1] ?? assert.fail("no block");
      host.chainMonitor.blockConnected(...blockArguments(next));
      host.broadcasts.length = 0;
      host.chainMonitor.rebroadcast();
      assert.deepEqual(host.broadcasts, []);
      assert.equal(ofKind("counterparty-revoked-output-claimable"), 0);
      assert.equal(ofKind("claimable-awaiting-confirmations"), 1 + penalties.length);
    });

    it("punishes what turns out to be revoked after it was confirmed, second stages and all", () => {
      const [a, b] = channelWithHtlcs(format);
      const host = new Host(a);
      const revoked = latest(b);
      b.fail(b.removable()[0] ?? assert.fail("nothing to fail"));
      settle(a, b);
      const secretAt = a.updates.findIndex(
        ({ steps }, i) => i >= host.monitor.latestUpdateId - 1 && steps[0]?.kind === "commitment-secret",
      );
      const late = a.updates[secretAt] ?? assert.fail("no secret");
      for (const update of a.updates.slice(host.monitor.latestUpdateId - 1, secretAt)) host.update(update);
      const taken = revoked.htlcs.find(({ id }) => id === 0n) ?? assert.fail("no HTLC");
      const { secondStage } = taken;
      const whole = deliveries["whole blocks"] ?? assert.fail("no such delivery");
      whole(host, chainOf([[revoked.transaction], [secondStage]]));
      assert.equal(spenderOf(host), "counterparty-commitment");
      assert.equal(host.broadcasts.length, 0);

      assert.equal(host.update(late), "completed");
      assert.equal(spenderOf(host), "revoked-commitment");
      const spent = host.broadcasts.flatMap(({ transaction }) =>
        transaction.inputs.map(({ outPoint }) => outPointKey(outPoint)),
      );
      const others = revoked.htlcs.filter((htlc) => htlc !== taken).map(({ outputIndex }) => outputIndex);
      const expected = [...others, revoked.toOwner?.index ?? -1].map((index) => `${revoked.txid}:${index}`);
      assert.deepEqual(spent.sort(), [...expected, `${txid(secondStage)}:0`].sort());
      for (const key of spent) assert.ok(host.watched.has(key));
      host.save();
      const before = host.monitor;
      host.restart();
      assert.ok(isDeepStrictEqual(host.monitor, before), "another monitor after a restart");
      assert.equal(host.update(late), "completed");
    });
  });
}

function blockArguments({
  header,
  transactions,
  height,
}: TestBlock): [BlockHeader, TestBlock["transactions"], number] {
  return [header, transactions, height];
}

describe("chain monitor", () => {
  const whole = deliveries["whole blocks"] ?? assert.fail("no such delivery");

  it("publishes our commitment when the channel asks, and refuses what comes after", () => {
    const [a] = channelWithHtlcs("anchors-zero-fee-htlc");
    const host = new Host(a);
    assert.equal(host.close(true), "completed");
    const [published] = host.broadcasts;
    assert.ok(published !== undefined);
    assert.equal(txid(published.transaction), latest(a).txid);
    assert.equal(published.type, "unilateral-close");
    const late = { ...(a.updates[0] ?? assert.fail("no update")), updateId: host.monitor.latestUpdateId + 1 };
    assert.equal(host.update(late), "refused");
    host.restart();
    assert.equal(host.update(late), "refused");
    assert.equal(host.chainMonitor.latestUpdateId(channelId), late.updateId);
  });

  it("refuses a revocation by a peer that was never given the next commitment", () => {
    const [a, b] = channelWithHtlcs("anchors-zero-fee-htlc");
    const host = new Host(a);
    host.close(true);
    const first = host.monitor.latestUpdateId + 1;
    b.fail(b.removable()[0] ?? assert.fail("nothing to fail"));
    settle(a, b);
    const late = a.updates.slice(first - 2).map((update, i) => ({ ...update, updateId: first + i }));
    assert.ok(late.some(({ steps }) => steps[0]?.kind === "commitment-secret"));
    for (let time = 0; time < 2; time++) {
      for (const update of late) assert.equal(host.update(update), "refused");
      host.save();
      host.restart();
    }
  });

  it("tells the sweeper of an output before the next block, which may have what spends it", () => {
    const [a, b] = channelWithHtlcs("anchors-zero-fee-htlc");
    const host = new Host(a);
    for (const { header, transactions, height } of chainOf([[latest(b).transaction], ...Array(8).fill([])]))
      host.chainMonitor.blockConnected(header, transactions, height);
    assert.equal(host.told.length, 1);
    assert.match(host.told[0] ?? "", new RegExp(`^${latest(b).txid}:\\d at ${firstHeight + 5}$`));
    host.save();
    const tracked = host.events.flatMap((event) =>
      event.kind === "spendable-outputs" ? [event.isTracked] : [],
    );
    assert.deepEqual(tracked, [true], "so that the event does not tell it again");
    host.restart();
    host.chainMonitor.rebroadcast();
    assert.equal(host.told.length, 1);
  });

  it("is given no sweeper where the manager has a store of its own: neither would know what the other has stored", () => {
    const environment = {
      signerProvider: new KeysManager(new Uint8Array(32)),
      broadcaster: { broadcastTransactions: () => undefined },
      feeEstimator: { feerate: () => feeratePerKw(1000) },
      logger: { log: () => undefined },
      sweeper: { trackSpendableOutputs: () => undefined },
    };
    const start = { bestHeight: 100, monitors: [] };
    assert.throws(() => new ChainMonitor({ ...environment, storesApart: true }, start), InvariantError);
    new ChainMonitor(environment, start);
  });

  it("tells of outputs after each restart until they are stored, where the manager has a store of its own", () => {
    const [a, b] = channelWithHtlcs("anchors-zero-fee-htlc");
    const host = new Host(a, { storesApart: true });
    const told = () =>
      host.events.splice(0).flatMap((event) => (event.kind === "spendable-outputs" ? event.outputs : []));
    whole(host, chainOf([[latest(b).transaction], [], [], [], [], [], []]));
    const outPoints = told().map(({ outPoint }) => outPoint);
    assert.equal(outPoints.length, 1);
    host.chainMonitor.rebroadcast();
    host.save();
    assert.deepEqual(told(), [], "twice in one life");
    host.restart();
    host.chainMonitor.rebroadcast();
    host.save();
    assert.deepEqual(
      told().map(({ outPoint }) => outPoint),
      outPoints,
    );
    for (let time = 0; time < 2; time++) host.chainMonitor.outputsStored(channelId, outPoints);
    assert.deepEqual(host.monitor.handedOver, outPoints);
    host.save();
    host.restart();
    host.chainMonitor.rebroadcast();
    host.save();
    assert.deepEqual(told(), []);
  });

  it("publishes nothing when the channel says so", () => {
    const [a] = channelWithHtlcs("anchors-zero-fee-htlc");
    const host = new Host(a);
    host.close(false);
    host.chainMonitor.rebroadcast();
    assert.deepEqual(host.broadcasts, []);
  });

  it("closes at a deadline, and signs only once its lock is durable", () => {
    const [a] = channelWithHtlcs("anchors-zero-fee-htlc");
    const host = new Host(a);
    const [block] = chainOf([[]]);
    assert.ok(block !== undefined);
    host.chainMonitor.bestBlockUpdated(block.header, expiry + 2);
    assert.equal(lockOf(host), undefined);
    host.chainMonitor.bestBlockUpdated(block.header, expiry + 3);
    assert.equal(lockOf(host)?.cause, "deadline");
    host.chainMonitor.rebroadcast();
    host.chainMonitor.committed(0);
    assert.deepEqual(host.broadcasts, []);
    assert.equal(host.close(false), "completed");
    host.save();
    const [paymentHash] = hashes;
    assert.deepEqual(host.events, [{ kind: "holder-force-closed", channelId, paymentHash }]);
    assert.deepEqual(
      host.broadcasts.map(({ transaction }) => txid(transaction)),
      [latest(a).txid],
    );
    host.restart();
    assert.equal(lockOf(host)?.broadcast, true);
  });

  it("punishes though the lock that a deadline gave it is not durable yet", () => {
    const [a, b] = channelWithHtlcs("anchors-zero-fee-htlc");
    const revoked = latest(b);
    b.fulfill(b.removable()[0] ?? assert.fail("nothing to fulfill"));
    settle(a, b);
    const host = new Host(a);
    const [due, next] = chainOf([[], [revoked.transaction]]);
    assert.ok(due !== undefined && next !== undefined);
    host.chainMonitor.bestBlockUpdated(due.header, expiry + 3);
    assert.equal(lockOf(host)?.cause, "deadline");
    assert.equal(host.broadcasts.length, 0);
    host.chainMonitor.blockConnected(next.header, next.transactions, expiry + 4);
    const spent = host.broadcasts.flatMap(({ transaction }) => transaction.inputs);
    assert.equal(spent.length, revoked.htlcs.length + 1);
    assert.ok(spent.every(({ outPoint }) => outPoint.txid === revoked.txid));
  });

  it("claims an incoming HTLC early when its preimage is known, and never otherwise", () => {
    const [a, b] = channelWithHtlcs("anchors-zero-fee-htlc");
    const [block] = chainOf([[]]);
    assert.ok(block !== undefined);
    const ignorant = new Host(b);
    ignorant.chainMonitor.bestBlockUpdated(block.header, expiry + 10);
    assert.equal(lockOf(ignorant), undefined);
    b.fulfill(b.removable()[0] ?? assert.fail("nothing to fulfill"));
    const host = new Host(b);
    host.chainMonitor.bestBlockUpdated(block.header, expiry - 37);
    assert.equal(lockOf(host), undefined);
    host.chainMonitor.bestBlockUpdated(block.header, expiry - 36);
    assert.equal(lockOf(host)?.cause, "deadline");
    assert.ok(a.updates.length > 0);
  });

  it("closes for an incoming HTLC only when a commitment has an output for it: nothing brings a smaller one", () => {
    for (const [format, least] of [
      ["anchors-zero-fee-htlc", 546_000n],
      // Our HTLC-success transaction costs more than the peer's HTLC-timeout one.
      ["static-remotekey", 546_000n + 663_000n],
    ] as const) {
      for (const [amount, cause] of [
        [least - 1n, undefined],
        [least, "deadline"],
      ] as const) {
        const [a, b] = monitoredPair(format);
        a.add(msat(amount), hashes[0] ?? assert.fail("no hash"), expiry);
        settle(a, b);
        b.learn(hashes[0] ?? assert.fail("no hash"));
        const host = new Host(b);
        const [block] = chainOf([[]]);
        for (const height of [expiry - 36, expiry + 10])
          host.chainMonitor.bestBlockUpdated(block?.header ?? assert.fail("no block"), height);
        assert.equal(lockOf(host)?.cause, cause, `${format}, ${amount} msat`);
      }
    }
  });

  it("knows a commitment of ours that it has lost, though the peer has revoked one of that number", () => {
    const [a, b] = monitoredPair("anchors-zero-fee-htlc");
    for (let i = 0; i < 3; i++) {
      a.add(msat(20_000_000n), hashes[0] ?? assert.fail("no hash"), expiry);
      a.sign();
      while (b.inbox.length > 0) b.receive();
      a.receive();
    }
    const host = new Host(a);
    settle(a, b);
    assert.ok(latest(a).number < latest(b).number - 1);
    whole(host, chainOf([[], [latest(a).transaction], []]));
    assert.equal(spenderOf(host), "lost-holder-commitment");
  });

  it("publishes our commitment again when a reorganisation drops the peer's", () => {
    const [a, b] = channelWithHtlcs("static-remotekey");
    const host = new Host(a);
    host.close(true);
    whole(host, chainOf([[], [latest(b).transaction], []]));
    host.broadcasts.length = 0;
    host.chainMonitor.rebroadcast();
    assert.deepEqual(host.broadcasts, []);
    const [fork] = chainOf([[]]);
    host.chainMonitor.blocksDisconnected({
      hash: blockHash(fork?.header ?? assert.fail("no block")),
      height: 101,
    });
    assert.equal(spenderOf(host), undefined);
    assert.deepEqual(
      host.broadcasts.map(({ transaction }) => txid(transaction)),
      [latest(a).txid],
    );
    whole(host, chainOf([[], [], [latest(a).transaction], [], [], [], [], []], 1).slice(1));
    assert.equal(spenderOf(host), "holder-commitment");
    assert.deepEqual(names(host.events), ["commitment-confirmed", "htlc-timed-out 2"]);
  });

  it("takes back what a transaction said that is unconfirmed, whichever way it is told", () => {
    const [a, b] = channelWithHtlcs("static-remotekey");
    const { transaction } = latest(b);
    const claim = spendOf([
      { txid: txid(transaction), index: outputOf(b, 3n), witness: [new Uint8Array(72)] },
    ]);
    const blocks = chainOf([[], [transaction], [], [claim]]);
    const byTxid = new Host(a);
    whole(byTxid, blocks);
    byTxid.chainMonitor.transactionUnconfirmed(txid(claim));
    const byHeight = new Host(a);
    whole(byHeight, blocks);
    byHeight.chainMonitor.blocksDisconnected({
      hash: blockHash((blocks[2] ?? assert.fail()).header),
      height: 103,
    });
    const byTip = new Host(a);
    whole(byTip, blocks);
    byTip.chainMonitor.bestBlockUpdated((blocks[2] ?? assert.fail()).header, 103);
    assert.deepEqual(byTxid.monitor.chain.spends, []);
    assert.ok(isDeepStrictEqual(byTxid.monitor, byHeight.monitor), "disconnected by height");
    assert.ok(isDeepStrictEqual(byTxid.monitor, byTip.monitor), "disconnected by a lower tip");
    const fork = blocks[1] ?? assert.fail();
    byHeight.chainMonitor.blocksDisconnected({ hash: blockHash(fork.header), height: fork.height });
    assert.equal(spenderOf(byHeight), "counterparty-commitment");
    byTxid.chainMonitor.transactionUnconfirmed(txid(transaction));
    assert.deepEqual(byTxid.monitor.chain, { spends: [] });
  });

  it("folds updates that later ones have replaced, and still punishes the oldest commitment", () => {
    const [a, b] = monitoredPair("static-remotekey");
    const host = new Host(a);
    const [hash] = hashes;
    assert.ok(hash !== undefined);
    let given = 0;
    for (let round = 0; round < 18; round++) {
      a.add(msat(20_000_000), hash, expiry);
      settle(a, b);
      b.fail(b.removable()[0] ?? assert.fail("nothing to fail"));
      settle(a, b);
      for (const update of a.updates.slice(given)) assert.equal(host.update(update), "completed");
      given = a.updates.length;
      host.save();
    }
    assert.ok(given > 105, `${given} updates`);
    const keys = [...host.entries.keys()].map((key) => key.split("/")[2]);
    assert.ok(keys.filter((key) => key === "update").length < 10);
    const before = host.monitor;
    host.restart();
    const { past: flatBefore, ...restBefore } = before;
    const { past: flatAfter, ...restAfter } = host.monitor;
    assert.ok(isDeepStrictEqual(restAfter, restBefore), "another monitor after a restart");
    assert.deepEqual(idsOf(flatAfter), idsOf(flatBefore));
    assert.equal(idsOf(flatAfter).length, 18);
    // The oldest revoked commitment with an HTLC on it is still punished in full.
    const revoked = b.ownCommitments[1] ?? assert.fail("no commitment");
    whole(host, chainOf([[revoked.transaction]]));
    assert.equal(balancesOf(host).length, revoked.htlcs.length + 2);
  });

  it("does not start from a store that lacks a row", () => {
    const [a] = channelWithHtlcs("static-remotekey");
    const host = new Host(a);
    const keys = [...host.entries.keys()].sort();
    for (const [missing, kind] of [
      [keys.find((key) => key.endsWith("setup")), "missing"],
      [keys.find((key) => key.includes("update")), "missing"],
    ] as const) {
      const entries = keys
        .filter((key) => key !== missing)
        .map((key) => ({ key, value: host.entries.get(key) ?? assert.fail("no value") }));
      const restored = restoreMonitors(entries);
      assert.ok(!restored.ok);
      assert.equal(restored.error.kind, kind);
    }
  });
});

function idsOf(past: ChannelMonitor["past"]): readonly bigint[] {
  const ids = allPastHtlcs(past).map(({ htlc }) => htlc.id);
  return ids.sort((x, y) => Number(x - y));
}
