import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { ChannelMonitorUpdate, ChannelMonitorUpdateStatus, Watch } from "@fulmen/lightning/onchain";
import type { ChannelId, NodeId } from "@fulmen/lightning/util";
import type { EffectGroup } from "#src/manager/batch";
import { EffectGate } from "#src/manager/effectGate";

const a = "aa".repeat(32) as ChannelId;
const b = "bb".repeat(32) as ChannelId;

/** A `Watch` that answers what it is told to, and remembers what it got. */
class ScriptedWatch implements Watch {
  readonly got: ChannelMonitorUpdate[] = [];
  readonly #answers: ReadonlyMap<ChannelId, ChannelMonitorUpdateStatus>;

  constructor(answers: readonly (readonly [ChannelId, ChannelMonitorUpdateStatus])[] = []) {
    this.#answers = new Map(answers);
  }

  watchChannel(): ChannelMonitorUpdateStatus {
    return "completed";
  }

  updateChannel(update: ChannelMonitorUpdate): ChannelMonitorUpdateStatus {
    this.got.push(update);
    return this.#answers.get(update.channelId) ?? "completed";
  }

  latestUpdateId(): undefined {
    return undefined;
  }

  takeMonitorEvents(): readonly [] {
    return [];
  }
}

function group(name: string, ...channels: readonly ChannelId[]): EffectGroup {
  const [channelId] = channels;
  return {
    channels,
    setups: [],
    updates: channels.map((id) => ({ channelId: id, updateId: 1, steps: [], after: [] })),
    effects: [
      {
        ...(channelId && { channelId }),
        effect: { kind: "disconnect", nodeId: name as NodeId, epoch: 1 },
      },
    ],
  };
}

function names(gate: EffectGate): readonly string[] {
  return gate.release().effects.map((effect) => (effect.kind === "disconnect" ? effect.nodeId : effect.kind));
}

describe("effect gate", () => {
  it("lets nothing out before the batch is committed, and hands over no update", () => {
    const watch = new ScriptedWatch();
    const gate = new EffectGate(watch);
    gate.enter({ sequence: 1, groups: [group("a1", a)] });
    assert.deepEqual(names(gate), []);
    assert.deepEqual(watch.got, []);
    gate.committed(1);
    assert.deepEqual(names(gate), ["a1"]);
    assert.equal(watch.got.length, 1);
    assert.deepEqual(names(gate), []);
  });

  it("holds a channel's later effects behind an update in progress, and lets other channels pass", () => {
    const gate = new EffectGate(new ScriptedWatch([[a, "in-progress"]]));
    gate.enter({ sequence: 1, groups: [group("a1", a), group("b1", b)] });
    gate.enter({ sequence: 2, groups: [{ ...group("a2", a), updates: [] }] });
    gate.committed(1);
    gate.committed(2);
    assert.deepEqual(names(gate), ["b1"]);
    gate.completed(b, 1);
    assert.deepEqual(names(gate), []);
    gate.completed(a, 1);
    assert.deepEqual(names(gate), ["a1", "a2"]);
  });

  it("holds a group that touches two channels until both updates are completed", () => {
    const gate = new EffectGate(
      new ScriptedWatch([
        [a, "in-progress"],
        [b, "in-progress"],
      ]),
    );
    gate.enter({ sequence: 1, groups: [group("ab", a, b)] });
    gate.committed(1);
    gate.completed(a, 1);
    assert.deepEqual(names(gate), []);
    gate.completed(b, 1);
    assert.deepEqual(names(gate), ["ab"]);
  });

  it("never lets out what a refused update was for", () => {
    const gate = new EffectGate(new ScriptedWatch([[a, "refused"]]));
    gate.enter({ sequence: 1, groups: [group("a1", a), group("b1", b)] });
    assert.deepEqual(gate.committed(1), [a]);
    assert.deepEqual(names(gate), ["b1"]);
    assert.equal(gate.size, 0);
  });

  it("never lets out what a late refusal was for", () => {
    const gate = new EffectGate(new ScriptedWatch([[a, "in-progress"]]));
    gate.enter({ sequence: 1, groups: [group("a1", a)] });
    gate.committed(1);
    gate.refused(a, 1);
    assert.deepEqual(names(gate), []);
    assert.equal(gate.size, 0);
  });

  it("takes commits in their order only", () => {
    const gate = new EffectGate(new ScriptedWatch());
    gate.enter({ sequence: 1, groups: [group("a1", a)] });
    gate.enter({ sequence: 2, groups: [group("a2", a)] });
    assert.throws(() => gate.committed(2), /batch 2 committed before batch 1/);
  });
});
