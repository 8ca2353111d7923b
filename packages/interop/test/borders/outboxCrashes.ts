import assert from "node:assert/strict";
import { before, it } from "node:test";
import type { FormatName } from "@fulmen/lightning/commitment";
import { outboxPrefix } from "@fulmen/lightning/storage";
import { type PaymentId, present } from "@fulmen/lightning/util";
import { Dice } from "@fulmen/testkit/network";
import { BorderNetwork, Crash } from "./borderNetwork.ts";
import { KeptNode } from "./keptNode.ts";

/** Where somebody dies: at the `at`th point, from 0, of the manager or of the keeper of one of the nodes. */
interface Fault {
  readonly node: number;
  readonly side: "manager" | "keeper";
  readonly at: number;
}

/** Three nodes in a row whose monitors are kept elsewhere, with a channel between neighbours. */
export async function threeNodes(
  format: FormatName,
  seed: number,
): Promise<{ net: BorderNetwork; kept: KeptNode[] }> {
  const net = new BorderNetwork();
  const dice = new Dice(seed);
  const kept: KeptNode[] = [];
  for (let i = 0; i < 3; i++) kept.push(await KeptNode.add(net, dice));
  net.connect(0, 1);
  net.connect(1, 2);
  await net.settle();
  for (const from of [0, 1]) {
    net.open(from, from + 1, format);
    await net.settle();
  }
  net.mine(6);
  await net.settle();
  assert.ok(net.channelOf(0, 1) !== undefined && net.channelOf(1, 2) !== undefined);
  return { net, kept };
}

/** What every payment brings. The payer's channel has enough for 190 of them: then it finds no route. */
const sats = 5_000n;

/** What is seen of a payment. */
interface Passed {
  /** How many points each side has come by. */
  readonly points: ReadonlyMap<string, number>;
  /** Faults that never came: answers in another order make fewer points. */
  readonly missed: number;
}

/** Pays over both hops while `faults` happen, each once. */
export async function pay(
  { net, kept }: { readonly net: BorderNetwork; readonly kept: readonly KeptNode[] },
  faults: readonly Fault[],
): Promise<Passed> {
  const counts = new Map<string, number>();
  const waiting = new Set(faults);
  const point = (node: number, side: Fault["side"]): void => {
    const name = `${node} ${side}`;
    const at = counts.get(name) ?? 0;
    counts.set(name, at + 1);
    for (const fault of waiting) {
      if (fault.node !== node || fault.side !== side || fault.at > at) continue;
      waiting.delete(fault);
      throw new Crash(name);
    }
  };
  for (const [node, each] of kept.entries()) {
    each.onPoint = () => point(node, "manager");
    each.onKeeperPoint = () => point(node, "keeper");
  }
  const settle = async (): Promise<void> => {
    for (;;) {
      try {
        await net.settle();
        return;
      } catch (error) {
        if (!(error instanceof Crash) || typeof error.cause !== "number") throw error;
        await present(kept[error.cause], "the node that died").restart();
      }
    }
  };
  const balance = (): bigint => present(net.node(2).manager.listChannels()[0], "a channel").localBalance;
  const before = balance();
  const { invoice, paymentHash: hash } = net.invoice(2, sats);
  const paymentId = hash as string as PaymentId;
  net.node(0).manager.payForBolt11Invoice(invoice, { paymentId });
  await settle();
  // A call that died before it was committed is forgotten.
  if (
    !net
      .node(0)
      .manager.listRecentPayments()
      .some((payment) => payment.paymentId === paymentId)
  ) {
    net.node(0).manager.payForBolt11Invoice(invoice, { paymentId });
    await settle();
  }
  assert.equal(net.told(0, "payment-sent", hash), 1);
  assert.equal(net.told(2, "payment-claimed", hash), 1);
  assert.equal(net.told(0, "payment-failed", hash), 0);
  for (const node of net.nodes) {
    for (const { isUsable, pendingHtlcs } of node.manager.listChannels()) {
      assert.ok(isUsable);
      assert.equal(pendingHtlcs, 0);
    }
    assert.deepEqual(
      node.log.filter(({ level }) => level === "error" || level === "warn"),
      [],
    );
  }
  for (const { check } of kept) assert.ok(check.checked > 0);
  assert.equal(balance() - before, sats * 1_000n);
  return { points: counts, missed: waiting.size };
}

async function outboxOf(net: BorderNetwork, index: number): Promise<number> {
  return (await net.node(index).options.store.scan(outboxPrefix, undefined, 1_000)).length;
}

/** The tests in which managers and keepers of monitors die during a payment, over channels of one format. */
export function testOutboxCrashes(format: FormatName): void {
  let points: ReadonlyMap<string, number> = new Map();

  before(async () => {
    ({ points } = await pay(await threeNodes(format, 1), []));
  });

  it(`let a payment through, and nothing before they know of it (${format})`, async () => {
    const { net, kept } = await threeNodes(format, 2);
    await pay({ net, kept }, []);
    for (const [index] of kept.entries()) {
      // What is left goes with the next write.
      assert.ok((await outboxOf(net, index)) < 10, "rows are left in the outbox");
    }
  });

  it(`let it through when either side dies at any point (${format})`, async () => {
    // All over the same channels, which carry on what each death left behind.
    const nodes = await threeNodes(format, 1);
    let runs = 0;
    for (const name of points.keys()) {
      const [node, side] = name.split(" ");
      for (let at = 0; ; at++) {
        const fault: Fault = { node: Number(node), side: side === "keeper" ? "keeper" : "manager", at };
        try {
          if ((await pay(nodes, [fault])).missed > 0) break;
        } catch (error) {
          throw new Error(`with ${JSON.stringify(fault)}`, { cause: error });
        }
        runs++;
      }
    }
    console.log(`${format}: ${runs} crashes: ${JSON.stringify(Object.fromEntries(points))}`);
    assert.ok(runs > 90);
  });

  it(`let it through when several die at random (${format})`, async () => {
    for (let seed = 1; seed <= 12; seed++) {
      const dice = new Dice(seed);
      const faults = [...points].flatMap(([name, count]): Fault[] => {
        const [node, side] = name.split(" ");
        // Points that come in any order of answers.
        const at = dice.roll(Math.floor(count / 2));
        return [{ node: Number(node), side: side === "keeper" ? "keeper" : "manager", at }];
      });
      try {
        assert.equal(
          (await pay(await threeNodes(format, seed), faults)).missed,
          0,
          "a fault that never came",
        );
      } catch (error) {
        throw new Error(`with seed ${seed}`, { cause: error });
      }
    }
  });
}
