// timeout: 300 s
import assert from "node:assert/strict";
import { before, describe, it } from "node:test";
import { installNodeCrypto } from "@fulmen/crypto-node";
import { type FormatName, formatNames } from "@fulmen/lightning/commitment";
import type { LogRecord } from "@fulmen/lightning/handlers";
import { ApiError } from "@fulmen/lightning/manager";
import { type ChannelId, msat, sat } from "@fulmen/lightning/util";
import { CrashPlan, TestNetwork, type TestNode } from "@fulmen/testkit";

// Either node dies at every point of the opening of a channel, and of its cooperative close.

const funding = sat(500_000n);
const push = msat(100_000_000n);

before(() => {
  installNodeCrypto();
});

class Pair {
  readonly network = new TestNetwork();
  readonly a = this.network.addNode();
  readonly b = this.network.addNode();
  readonly nodes: readonly TestNode[] = [this.a, this.b];

  constructor() {
    this.network.connect(this.a, this.b);
  }

  /** Does `act` with a node that dies at the given point of it; gives how many points each node passed. */
  withDeath(act: () => void, node?: number, point = 0): readonly number[] {
    const plans = this.nodes.map((each, index) => new CrashPlan(each, index === node ? [point] : []));
    act();
    for (const each of this.nodes) each.onCrashPoint = () => {};
    return plans.map(({ passed }) => passed.length);
  }

  checkQuiet(): void {
    for (const { log, broadcaster, keys } of this.nodes) {
      // A channel that one side forgot is closed by the other, whose wallet has nothing for its commitment.
      const isWorry = ({ level, module }: LogRecord) => /warn|error/.test(level) && module !== "bump";
      assert.deepEqual(
        log.filter(isWorry).map(({ text }) => text),
        [],
      );
      assert.deepEqual(keys.memory.violations, []);
      const refused = broadcaster.takeRefused().filter(({ type }) => type !== "unilateral-close");
      assert.deepEqual(refused, []);
    }
  }
}

/** `opened`: both use the channel. `none`: it is as if it had never been begun, and no coin was spent. */
function open(format: FormatName, node?: number, point?: number) {
  const pair = new Pair();
  const { network, a, b, nodes } = pair;
  const counts = pair.withDeath(
    () => {
      a.manager.createChannel({ counterparty: b.nodeId, funding, push, formats: [format], announce: true });
      network.settle();
      network.mine(8);
    },
    node,
    point,
  );
  pair.checkQuiet();
  const usable = nodes.map(({ manager }) => manager.listUsableChannels().length);
  if (usable[0] === 0) {
    // B may have signed for a channel that A forgot: it is over, and what B could broadcast spends nothing that exists.
    assert.deepEqual(usable, [0, 0]);
    assert.deepEqual(a.manager.listChannels(), []);
    assert.ok(b.manager.listChannels().every(({ state }) => state === "closing"));
    assert.ok(!a.broadcasts.some(({ type }) => type === "funding"));
    return { counts, outcome: "none" };
  }
  assert.deepEqual(usable, [1, 1]);
  network.payInvoice(a, b, msat(1_000_000n));
  assert.equal(b.manager.listChannels()[0]?.localBalance, 101_000_000n);
  return { counts, outcome: "opened" };
}

function close(
  format: FormatName,
  closer: number,
  death: { readonly node?: number; readonly point?: number },
) {
  const pair = new Pair();
  const { network, a, b, nodes } = pair;
  const channelId = network.openChannel(a, b, { funding, push, format });
  const counts = pair.withDeath(
    () => {
      const node = nodes[closer] ?? a;
      order(node, channelId);
      network.settle();
      // Whoever died over the order gives it again.
      order(node, channelId);
      network.settle();
      network.mine(1);
    },
    death.node,
    death.point,
  );
  pair.checkQuiet();
  const pending = a.eventList.find((event) => event.kind === "channel-pending");
  assert.ok(pending?.kind === "channel-pending");
  const spender = network.chain.outputSpentBy(pending.funding);
  assert.ok(spender?.block !== undefined, "the channel's closing transaction is confirmed");
  const paid = nodes.map(({ keys }) =>
    network.chain.coins(keys.shutdownScript()).map((coin) => coin.output.value),
  );
  const [toA = 0n] = paid[0] ?? [];
  assert.deepEqual(paid[1], [100_000n]);
  assert.ok(toA > 398_000n && toA < 400_000n);
  for (const { eventList, broadcasts } of nodes) {
    const closed = eventList.filter(({ kind }) => kind === "channel-closed");
    assert.ok(closed.length === 1 && closed[0]?.kind === "channel-closed");
    assert.match(closed[0].reason.kind, /cooperative-closure$/);
    assert.ok(broadcasts.every(({ type }) => type === "funding" || type === "cooperative-close"));
  }
  return { counts };
}

function order({ manager }: TestNode, channelId: ChannelId): void {
  try {
    manager.closeChannel(channelId);
  } catch (error) {
    assert.ok(error instanceof ApiError, String(error));
  }
}

for (const format of formatNames) {
  describe(`a ${format} channel`, () => {
    it("opens for both or for nobody, wherever one of them dies", (context) => {
      const { counts } = open(format);
      const outcomes = new Map<string, number>();
      for (const [node, count] of counts.entries()) {
        for (let point = 0; point < count; point++) {
          const { outcome } = open(format, node, point);
          outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
        }
      }
      context.diagnostic(`points ${counts.join(" + ")}: ${JSON.stringify([...outcomes])}`);
      assert.ok((outcomes.get("opened") ?? 0) > (outcomes.get("none") ?? 0));
    });

    for (const [closer, name] of ["the opener", "the other one"].entries()) {
      it(`closes in agreement when ${name} asks for it, wherever one of them dies`, (context) => {
        const { counts } = close(format, closer, {});
        for (const [node, count] of counts.entries()) {
          for (let point = 0; point < count; point++) close(format, closer, { node, point });
        }
        context.diagnostic(`points ${counts.join(" + ")}`);
      });
    }
  });
}
