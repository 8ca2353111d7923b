import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type {
  ChannelMonitorUpdate,
  ChannelMonitorUpdateStatus,
  UpdateRef,
  Watch,
} from "@fulmen/lightning/onchain";
import type { ChannelId, NodeId } from "@fulmen/lightning/util";
import type { EffectGroup } from "#src/manager/batch";
import { EffectGate } from "#src/manager/effectGate";

const a = "aa".repeat(32) as ChannelId;
const b = "bb".repeat(32) as ChannelId;

/** A `Watch` that answers what it is told to, and remembers what it got. */
class ScriptedWatch implements Watch {
  readonly durability = "elsewhere";
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
    assert.deepEqual(gate.refused(a, 1), [a]);
    assert.deepEqual(names(gate), []);
    assert.equal(gate.size, 0);
  });

  it("hands an update over only after those that it names, and later ones of its channel after it", () => {
    const watch = new ScriptedWatch([[a, "in-progress"]]);
    const gate = new EffectGate(watch);
    const given = (): readonly string[] =>
      watch.got.map(({ channelId, updateId }) => `${channelId === a ? "a" : "b"}${updateId}`);
    const update = (channelId: ChannelId, updateId: number, ...after: readonly UpdateRef[]): EffectGroup => ({
      ...group(`${updateId}`, channelId),
      updates: [{ channelId, updateId, steps: [], after }],
    });
    gate.enter({ sequence: 1, groups: [update(a, 1), update(a, 2)] });
    gate.enter({ sequence: 2, groups: [update(b, 1, { channelId: a, updateId: 2 }), update(b, 2)] });
    gate.enter({ sequence: 3, groups: [update(b, 3, { channelId: a, updateId: 1 })] });
    for (const sequence of [1, 2, 3]) gate.committed(sequence);
    assert.deepEqual(given(), ["a1", "a2"]);
    gate.completed(a, 1);
    assert.deepEqual(given(), ["a1", "a2"]);
    assert.deepEqual(names(gate), ["1"]);
    gate.completed(a, 2);
    assert.deepEqual(given(), ["a1", "a2", "b1", "b2", "b3"]);
    assert.deepEqual(names(gate), ["2", "1", "2", "3"]);
  });

  it("says which updates the watch has dealt with, and which effects are never let out", () => {
    const gate = new EffectGate(
      new ScriptedWatch([
        [a, "refused"],
        [b, "in-progress"],
      ]),
    );
    gate.enter({ sequence: 1, groups: [group("a1", a), group("b1", b)] });
    gate.committed(1);
    const first = gate.release();
    assert.deepEqual(
      first.settled.map(({ channelId }) => channelId),
      [a],
    );
    assert.deepEqual(first.dropped, [{ kind: "disconnect", nodeId: "a1", epoch: 1 }]);
    assert.deepEqual(gate.completed(b, 1), []);
    assert.deepEqual(
      gate.release().settled.map(({ channelId }) => channelId),
      [b],
    );
  });

  it("takes commits in their order only", () => {
    const gate = new EffectGate(new ScriptedWatch());
    gate.enter({ sequence: 1, groups: [group("a1", a)] });
    gate.enter({ sequence: 2, groups: [group("a2", a)] });
    assert.throws(() => gate.committed(2), /batch 2 committed before batch 1/);
  });
});
