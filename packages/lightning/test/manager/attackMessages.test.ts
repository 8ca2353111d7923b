import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { ChannelMessage } from "#src/handlers/index";
import { type Bytes32, toHex } from "#src/util/bytes";
import type { ChannelId } from "#src/util/ids";
import { msat } from "#src/util/units";
import { type DecodedMessage, decodeMessage, encodeMessage, type LightningMessage } from "#src/wire/index";
import { ManagerNet, type ManagerNode } from "./managers.ts";

/** A generator whose runs can be repeated. */
function diceOf(seed: number) {
  let state = seed;
  return (below: number): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

const numbers = [
  0n,
  1n,
  2n,
  3n,
  499n,
  2n ** 31n,
  2n ** 32n - 1n,
  2n ** 48n - 1n,
  2n ** 48n,
  2n ** 63n,
  2n ** 64n - 1n,
];

/** The message with one of its fields, or one byte of its encoding, made hostile; `undefined` when it cannot be. */
function twisted(message: DecodedMessage, dice: (below: number) => number, ids: readonly ChannelId[]) {
  const names = Object.keys(message).filter((name) => name !== "type");
  const name = names[dice(names.length)] ?? "";
  const fields: Record<string, unknown> = { ...message };
  const value = fields[name];
  if (dice(3) === 0) {
    const bytes = Uint8Array.from(encodeMessage(message as LightningMessage));
    const at = 2 + dice(bytes.length - 2);
    bytes[at] = dice(256);
    try {
      return decodeMessage(bytes);
    } catch {
      return undefined;
    }
  }
  if (typeof value === "bigint") fields[name] = numbers[dice(numbers.length)];
  else if (typeof value === "number") fields[name] = Number((numbers[dice(7)] ?? 0n) & 0xffffn);
  else if (name === "channelId") fields[name] = ids[dice(ids.length)];
  else return undefined;
  try {
    const hostile: unknown = fields;
    return decodeMessage(encodeMessage(hostile as LightningMessage));
  } catch {
    return undefined;
  }
}

/**
 * One run: payments between nodes of which one dies at times, and messages that somebody twists, doubles and cuts off.
 */
function run(seed: number) {
  const dice = diceOf(seed);
  const net = new ManagerNet();
  const [alice, bob, carol] = [net.add(), net.add(), net.add()];
  net.connect(alice, bob);
  net.connect(bob, carol);
  const ab = net.open(alice, bob, { push: msat(300_000_000n) });
  const bc = net.open(bob, carol, { push: msat(300_000_000n) });
  const before = settledBalance(bob) ?? 0n;
  const ids = [
    ab,
    bc,
    toHex(new Uint8Array(32)) as ChannelId,
    toHex(new Uint8Array(32).fill(9)) as ChannelId,
  ];
  // So few blocks that no HTLC comes near its expiry, however slow the messages are.
  const latest = net.height + 6;
  const seen: DecodedMessage[] = [];
  const offset = dice(2) === 0 ? 200 : 25;
  for (let turn = 0; turn < 160; turn++) {
    for (const node of net.nodes) node.commit();
    const choice = dice(offset);
    const alicesFirst = alice.outbox.findIndex(({ to }) => to === bob.nodeId);
    if (choice === 0) {
      const message = seen[dice(seen.length)];
      const hostile = message && twisted(message, dice, ids);
      if (hostile !== undefined && hostile.type !== "unknown") bob.receive(alice.nodeId, hostile);
    } else if (choice === 1) {
      const message = seen[dice(seen.length)];
      if (message !== undefined) bob.receive(alice.nodeId, message);
    } else if (choice === 2) {
      net.disconnect(alice, bob);
      net.connect(alice, bob);
    } else if (choice === 3) {
      try {
        net.pay(alice, msat(BigInt(1 + dice(20)) * 1_000_000n), [
          { to: bob, by: alice, channelId: ab },
          { to: carol, by: bob, channelId: bc },
        ]);
      } catch {
        // No channel is left to pay over.
      }
    } else if (choice === 4) {
      for (const { purpose } of carol.manager.listClaimablePayments()) {
        if (purpose.kind === "bolt11-invoice" && purpose.paymentPreimage) {
          carol.manager.claimFunds(purpose.paymentPreimage as Bytes32);
        }
      }
    } else if (choice === 5 && net.height < latest) net.mine(1);
    else if (choice === 6) for (const node of net.nodes) node.manager.timerTickOccurred(1_800_000_000 + turn);
    else if (choice === 7) {
      net.disconnect(alice, bob);
      net.disconnect(bob, carol);
      bob.restart();
      net.connect(alice, bob);
      net.connect(bob, carol);
    } else if (alicesFirst >= 0 && choice < 13) {
      const [item] = alice.outbox.splice(alicesFirst, 1);
      if (item !== undefined) {
        seen.push(item.message);
        bob.receive(alice.nodeId, item.message);
      }
    } else {
      const index = bob.outbox.findIndex(({ to }) => to === alice.nodeId);
      const [item] = index < 0 ? [] : bob.outbox.splice(index, 1);
      if (item !== undefined) alice.manager.handleMessage(bob.nodeId, item.message as ChannelMessage);
      const inner = bob.outbox.findIndex(({ to }) => to === carol.nodeId);
      const [onward] = inner < 0 ? [] : bob.outbox.splice(inner, 1);
      if (onward !== undefined) carol.receive(bob.nodeId, onward.message);
      const [back] = carol.outbox.splice(0, 1);
      if (back !== undefined) bob.receive(carol.nodeId, back.message);
    }
    for (const node of net.nodes) node.manager.listChannels();
  }
  return { net, nodes: [alice, bob, carol], before };
}

/** What Bob has, when nothing is under way on either of his channels. */
function settledBalance(bob: ManagerNode): bigint | undefined {
  const channels = bob.manager.listChannels();
  const isQuiet = channels.every(({ state, pendingHtlcs }) => state !== "closing" && pendingHtlcs === 0);
  return isQuiet ? channels.reduce((sum, { localBalance }) => sum + localBalance, 0n) : undefined;
}

describe("messages that somebody twists, repeats and cuts off", () => {
  it("neither throw nor find a bug, hurt no other channel, and cost nothing", () => {
    let settled = 0;
    for (let seed = 1; seed <= 6; seed++) {
      const { net, nodes, before } = run(seed);
      for (const node of nodes) {
        const bugs = node.log.filter(({ text }) => text.includes("quarantined")).map(({ text }) => text);
        assert.deepEqual(bugs, [], `seed ${seed}`);
      }
      const [, bob, carol] = nodes;
      assert.ok(bob && carol);
      net.settle((sender) => sender === nodes[0]);
      const [intact] = carol.manager.listChannels();
      assert.equal(intact?.state, "normal", `seed ${seed}`);
      net.settle();
      for (const { purpose } of carol.manager.listClaimablePayments()) {
        if (purpose.kind === "bolt11-invoice" && purpose.paymentPreimage) {
          carol.manager.claimFunds(purpose.paymentPreimage as Bytes32);
        }
      }
      net.settle();
      const after = settledBalance(bob);
      if (after === undefined) continue;
      settled++;
      assert.ok(after >= before, `seed ${seed}: Bob forwards for nothing less than his fee`);
    }
    assert.ok(settled > 0, "some runs must leave both channels open");
  });
});
