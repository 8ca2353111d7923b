import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { parseInvoice } from "#src/invoice/index";
import {
  type BlindedPaymentPath,
  blindHops,
  encodeEncryptedData,
  encodePaymentPathId,
} from "#src/onion/index";
import { paymentParameters } from "#src/routing/route";
import { type Bytes32, fromHex, type Point } from "#src/util/bytes";
import type { PaymentId } from "#src/util/ids";
import { type Msat, msat } from "#src/util/units";
import { Features } from "#src/wire/index";
import type { ManagerNode } from "./managers.ts";
import { TrampolineLine } from "./trampolineLine.ts";

/** What each node of a path may keep. */
const relay = { feeBase: msat(2_000n), feeProportionalMillionths: 2_000, cltvExpiryDelta: 100 } as const;
const features = Features.of({ basic_mpp: "optional", trampoline_routing: "optional" }).toBytes();
const amount = msat(50_000_000n);
const pointOf = ({ nodeId }: ManagerNode): Point => fromHex(nodeId) as Point;

interface PathChanges {
  /** Which nodes it has before Dave. */
  readonly nodes: readonly ManagerNode[];
  readonly dummies?: number;
  /** Says another secret than the one that Dave asked for. */
  readonly isFalse?: boolean;
  readonly htlcMinimum?: Msat;
}

/** A path to Dave whose nodes find the way to each other. */
function pathOf(line: TrampolineLine, paymentSecret: Bytes32, changes: PathChanges): BlindedPaymentPath {
  const { dave } = line;
  const { nodes, dummies = 0, isFalse = false, htlcMinimum = msat(1n) } = changes;
  const receiveAuthKey = { additionalData: dave.keys.receiveAuthKey() };
  const forwards = [...nodes, ...Array.from({ length: dummies }, () => dave)];
  const paymentConstraints = { maxCltvExpiry: line.net.height + 2_000, htlcMinimum };
  const secret = isFalse ? (new Uint8Array(32).fill(9) as Bytes32) : paymentSecret;
  const made = blindHops(new Uint8Array(32).fill(0x61), [
    ...forwards.map((node, index) => ({
      nodeId: pointOf(node),
      data: encodeEncryptedData({
        nextNodeId: pointOf(forwards[index + 1] ?? dave),
        paymentRelay:
          node === dave ? { feeBase: msat(0n), feeProportionalMillionths: 0, cltvExpiryDelta: 0 } : relay,
        paymentConstraints,
      }),
      ...(node === dave && receiveAuthKey),
    })),
    {
      nodeId: pointOf(dave),
      data: encodeEncryptedData({ pathId: encodePaymentPathId({ paymentSecret: secret }) }),
      ...receiveAuthKey,
    },
  ]);
  const [first = assert.fail()] = nodes;
  const { length } = nodes;
  return {
    ...made,
    introductionNode: { kind: "node-id", nodeId: first.nodeId },
    payinfo: {
      feeBase: msat(BigInt(length) * 2_100n),
      feeProportionalMillionths: length * 2_100,
      cltvExpiryDelta: length * relay.cltvExpiryDelta + 42,
      htlcMinimum: msat(1n),
      htlcMaximum: msat(10_000_000_000n),
      features: new Uint8Array(0),
    },
  };
}

/** Alice pays Dave along a blinded path, by Bob before it where that does not begin with him. */
function pay(line: TrampolineLine, whole: Msat, changes: PathChanges): void {
  const { alice, bob, dave } = line;
  const { invoice, paymentHash } = dave.manager.createBolt11Invoice({ amount: whole, description: "" });
  const parsed = parseInvoice(invoice);
  assert.ok(parsed.ok);
  const path = pathOf(line, parsed.value.paymentSecret as Bytes32, changes);
  const steps = changes.nodes[0] === bob ? [] : [{ nodeId: bob.nodeId }];
  alice.manager.sendPayment({
    paymentHash,
    paymentId: paymentHash as string as PaymentId,
    recipientOnion: {},
    routeParameters: {
      paymentParameters: paymentParameters({ kind: "blinded", paths: [path], features }),
      finalValue: whole,
      maxFee: msat(whole / 10n),
    },
    trampolines: steps,
  });
}

const failures = (node: ManagerNode) =>
  node.eventsOf("payment-path-failed").map(({ failureName }) => failureName);

describe("a blinded path whose nodes are trampoline nodes", () => {
  for (const [name, before] of [
    ["from the first one on", false],
    ["behind another one", true],
  ] as const) {
    for (const dummies of [0, 2]) {
      it(`is gone along, ${name}, with ${dummies} dummies`, () => {
        const line = new TrampolineLine();
        const { alice, bob, carol, dave, net } = line;
        pay(line, amount, { nodes: before ? [carol] : [bob, carol], dummies });
        net.settle();
        assert.deepEqual(failures(alice), []);
        const [claimable] = dave.eventsOf("payment-claimable");
        assert.ok(claimable && claimable.amount >= amount && claimable.amount < amount + amount / 100n);
        assert.ok(line.claim());
        net.settle();
        assert.equal(alice.eventsOf("payment-sent")[0]?.amount, amount);
        for (const relayed of [bob, carol]) assert.equal(relayed.eventsOf("payment-forwarded").length, 1);
        line.assertQuiet();
      });
    }
  }

  it("takes several parts", () => {
    const line = new TrampolineLine(2);
    const { alice, bob, carol, dave, net } = line;
    const whole = msat(1_200_000_000n);
    pay(line, whole, { nodes: [bob, carol] });
    net.settle();
    assert.ok(dave.eventsOf("payment-claimable")[0]);
    assert.ok(line.claim());
    net.settle();
    assert.equal(alice.eventsOf("payment-sent").length, 1);
    assert.equal(carol.eventsOf("payment-forwarded")[0]?.prevHtlcs.length, 2);
    line.assertQuiet();
  });

  it("fails the same way whoever does not let it through", () => {
    const line = new TrampolineLine();
    const { bob, carol } = line;
    const wrong: readonly Partial<PathChanges>[] = [{ isFalse: true }, { htlcMinimum: msat(2n * amount) }];
    for (const changes of wrong) {
      for (const nodes of [[bob, carol], [carol]]) {
        const other = new TrampolineLine();
        const at = nodes.map((node) => (node === bob ? other.bob : other.carol));
        pay(other, amount, { ...changes, nodes: at });
        other.net.settle();
        const names = new Set(failures(other.alice));
        assert.deepEqual([...names], ["invalid_onion_blinding"]);
        assert.equal(other.alice.eventsOf("payment-failed").length, 1);
        other.assertQuiet();
      }
    }
    pay(line, amount, { nodes: [bob, carol] });
    line.net.settle();
    const [payment = assert.fail()] = line.dave.manager.listClaimablePayments();
    line.dave.manager.failHtlcBackwards(payment.paymentHash);
    line.net.settle();
    assert.deepEqual([...new Set(failures(line.alice))], ["invalid_onion_blinding"]);
    line.assertQuiet();
  });

  it("says no more when a node within it does not reach the next one", () => {
    const line = new TrampolineLine();
    const { alice, bob, carol, dave, net } = line;
    pay(line, amount, { nodes: [bob, carol] });
    net.disconnect(carol, dave);
    net.settle();
    for (let tick = 0; tick < 12; tick++) {
      for (const node of [bob, carol]) node.manager.timerTickOccurred(1_800_000_000);
      net.settle();
    }
    assert.deepEqual([...new Set(failures(alice))], ["invalid_onion_blinding"]);
    assert.equal(alice.eventsOf("payment-failed").length, 1);
    net.connect(carol, dave);
    net.settle();
    line.assertQuiet();
  });

  for (const role of ["bob", "carol", "dave"] as const) {
    it(`loses nothing when ${role} dies`, () => {
      let crashes = 0;
      for (let at = 3; ; at += 17) {
        const line = new TrampolineLine();
        const { alice, bob, carol, dave, net } = line;
        pay(line, amount, { nodes: [bob, carol] });
        const before = net.sent.length;
        const isOver = () => net.sent.length - before >= at;
        net.settle(isOver);
        if (!isOver() && line.claim()) net.settle(isOver);
        if (!isOver()) break;
        line.crash(line[role]);
        net.settle();
        line.claim();
        net.settle();
        assert.equal(alice.eventsOf("payment-sent").length, 1, `a crash after ${at}`);
        assert.equal(dave.eventsOf("payment-claimed").length, 1);
        line.assertQuiet();
        crashes++;
      }
      assert.ok(crashes >= 2, `${crashes} crashes`);
    });
  }
});
