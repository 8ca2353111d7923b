import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { InputJournal, ReplayDivergedError, replayJournal } from "@fulmen/testkit/drive";
import type { ChannelStep } from "#src/channel/action";
import type { ChannelInput } from "#src/channel/input";
import type { ChannelState } from "#src/channel/state";
import { step } from "#src/channel/step";
import { formats, Pair } from "./pair.ts";

/** A pair whose second side writes down all that happens to it. */
function journalled(format: (typeof formats)[number]): {
  readonly journal: InputJournal;
  readonly end: ChannelState;
} {
  const pair = new Pair({ format, undriven: true }).open();
  const { alice, bob } = pair;
  const journal = new InputJournal(bob.state);
  const feed = pair.feed.bind(pair);
  pair.feed = (side, input: ChannelInput) => {
    const { ctx, state } = side;
    if (side === bob) {
      const result: ChannelStep<ChannelState> = step(ctx, state, input);
      journal.record(ctx, input, result);
    }
    return feed(side, input);
  };
  const first = pair.add(alice, 40_000_000n);
  pair.exchange();
  pair.fulfill(first);
  pair.exchange();
  pair.feed(bob, { kind: "disconnected" });
  return { journal, end: bob.state };
}

for (const format of formats) {
  describe(`input journal, ${format}`, () => {
    test("a payment and a disconnection replay to the same state", () => {
      const { journal, end } = journalled(format);
      const { state, steps } = replayJournal(journal.text());
      assert.deepEqual(state, end);
      assert.ok(steps > 10, `${steps} steps`);
    });

    test("an outcome that is not what it was is found", () => {
      const { journal } = journalled(format);
      const lines = journal.text().split("\n");
      const index = lines.findIndex((line) => line.includes("update_add_htlc"));
      const changed = lines.map((line, i) => (i === index ? line.replaceAll("40000000", "40000001") : line));
      assert.throws(() => replayJournal(changed.join("\n")), ReplayDivergedError);
    });

    test("holds no secret of the channel's that was not released", () => {
      const { journal } = journalled(format);
      assert.doesNotMatch(journal.text(), /"(seed|fundingSecret|privateKey)"/);
    });
  });
}
