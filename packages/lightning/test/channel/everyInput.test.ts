import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { drive } from "@fulmen/testkit/drive";
import fc from "fast-check";
import type { ChannelCommand, ChannelContext, ChannelInput } from "#src/channel/input";
import type { ChannelState } from "#src/channel/state";
import { step } from "#src/channel/step";
import type { PaymentHash } from "#src/util/ids";
import { feeratePerKw } from "#src/util/units";
import { type LightningMessage, messages } from "#src/wire/index";
import { messagesOf } from "../wire/messageValues.ts";
import { blockHash, bytes32, defaultFeatures, htlcToSend, Pair, preimageOf, type Side } from "./pair.ts";

/** A state that a channel comes through, and the world in which it does. */
interface Station {
  readonly name: string;
  readonly ctx: ChannelContext;
  readonly state: ChannelState;
}

/** One channel's life, its states and all messages that were sent in it. */
function life(): { readonly stations: readonly Station[]; readonly sent: readonly LightningMessage[] } {
  const stations: Station[] = [];
  const seen = new Set<string>();
  const pair = new Pair({ push: 300_000_000n });
  const { alice, bob } = pair;
  const look = (label = ""): void => {
    for (const side of [alice, bob]) {
      const { ctx, state } = side;
      const inner =
        "inner" in state ? ` ${state.inner.kind}` : "before" in state ? ` ${state.request.kind}` : "";
      const name = `${side.name} ${state.kind}${inner} ${label}`.trim();
      if (seen.has(name)) continue;
      seen.add(name);
      stations.push({ name, ctx, state });
    }
  };
  const deliver = (from: Side): void => {
    pair.deliver(from);
    look();
  };
  pair.start();
  look();
  pair.deliverOpen();
  look();
  pair.accept();
  look();
  deliver(bob);
  alice.slowSigner = true;
  pair.fund();
  look();
  alice.slowSigner = false;
  pair.answer(alice);
  look();
  deliver(alice);
  deliver(bob);
  pair.confirmFunding();
  pair.mine(5);
  look();
  pair.exchange();
  look("ready");
  const htlcs = [pair.add(alice, 50_000_000n), pair.add(bob, 40_000_000n)];
  pair.sign();
  look("adding");
  pair.exchange();
  look("with HTLCs");
  pair.disconnect();
  look("with HTLCs");
  pair.reconnect();
  look("with HTLCs");
  pair.exchange();
  pair.shutdown(bob);
  pair.exchange();
  look("with HTLCs");
  for (const htlc of htlcs) pair.fulfill(htlc);
  while (pair.exchange({ most: 1 }) > 0) look();
  pair.disconnect();
  look("closed");
  const older = pair.fork();
  stations.push(...forceClosed(older));
  return { stations, sent: pair.delivered.map(({ message }) => message) };
}

function forceClosed(pair: Pair): Station[] {
  const fresh = new Pair().open();
  fresh.command(fresh.alice, { kind: "force-close", message: "enough" });
  const { ctx, state } = fresh.alice;
  const { channel } = fresh.bob;
  return [
    { name: "force-closed", ctx, state },
    { name: "wait-for-remote-close", ctx, state: { kind: "wait-for-remote-close", channel } },
    { name: "ended", ctx: pair.alice.ctx, state: { kind: "ended" } },
  ];
}

const commands: readonly ChannelCommand[] = [
  { kind: "reject", reason: "no" },
  { kind: "fund", transaction: { version: 2, inputs: [], outputs: [], locktime: 0 } },
  { kind: "add-htlc", htlc: htlcToSend(1_000_000n, preimageOf(77)) },
  { kind: "set-disposition", htlcId: 0n, disposition: { kind: "undecided", onion: new Uint8Array(1366) } },
  {
    kind: "resolve-htlc",
    htlcId: 0n,
    resolution: { kind: "fail", reason: bytes32(1) },
    monitor: undefined,
  },
  { kind: "update-fee", feerate: feeratePerKw(2_000) },
  { kind: "resume" },
  { kind: "sign" },
  { kind: "force-close", message: "enough" },
];

const others: readonly ChannelInput[] = [
  { kind: "connected", remoteFeatures: defaultFeatures },
  { kind: "disconnected" },
  { kind: "tick" },
  { kind: "new-block" },
  { kind: "funding-unconfirmed" },
  { kind: "funding-spent", by: "commitment" },
  { kind: "funding-spent", by: "commitment", dueHtlc: "dd".repeat(32) as PaymentHash },
  { kind: "funding-spent", by: "closing-transaction" },
  { kind: "watch-refused" },
  {
    kind: "funding-confirmed",
    transaction: { version: 2, inputs: [], outputs: [], locktime: 0 },
    height: 1_000,
    blockHash,
    txIndex: 1,
  },
];

describe("every input in every state, twice", () => {
  const { stations, sent } = life();

  test("the life of the channel comes through every state", () => {
    const kinds = new Set(stations.map(({ state }) => state.kind));
    assert.equal(kinds.size, 15, [...kinds].join(", "));
  });

  for (const station of stations) {
    test(station.name, () => {
      const strange = messages.flatMap((declaration) =>
        fc.sample(messagesOf(declaration), { seed: 5, numRuns: 2 }),
      );
      const inputs: ChannelInput[] = [
        ...[...strange, ...sent].map((message): ChannelInput => ({ kind: "message", message })),
        ...commands.map((command): ChannelInput => ({ kind: "command", command })),
        ...others,
      ];
      for (const input of inputs) {
        const { ctx } = station;
        const first = drive({ ctx, state: station.state }, input);
        const second = step(ctx, first.state, input);
        assert.ok(second.state.kind.length > 0);
      }
    });
  }
});
