import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Bytes32, ChannelId } from "@fulmen/lightning/util";
import type { HtlcRef } from "#src/channel/disposition";
import type { ChannelCommand } from "#src/channel/input";
import { claimParts } from "#src/manager/claimParts";

const one = "11".repeat(32) as ChannelId;
const two = "22".repeat(32) as ChannelId;
const gone = "33".repeat(32) as ChannelId;
const resolution = { kind: "fulfill", preimage: new Uint8Array(32).fill(1) as Bytes32, holdTime: 0 } as const;

/** Channels that do nothing but number the updates of their monitors; `gone` refuses. */
function numbering() {
  const lastIds = new Map([
    [one, 7],
    [two, 20],
    [gone, 3],
  ]);
  const commands: ChannelCommand[] = [];
  const complaints: string[] = [];
  const channels = {
    funded: (channelId: ChannelId) => ({ lastUpdateId: lastIds.get(channelId) ?? 0 }),
    command: (channelId: ChannelId, command: ChannelCommand) => {
      commands.push(command);
      if (channelId === gone) return { text: "it is over" };
      lastIds.set(channelId, (lastIds.get(channelId) ?? 0) + 1);
      return undefined;
    },
  };
  const logger = { log: ({ text }: { readonly text: string }) => void complaints.push(text) };
  return { channels, logger, commands, complaints };
}

function partsOf(...channelIds: readonly ChannelId[]): readonly HtlcRef[] {
  return channelIds.map((channelId, i) => ({ channelId, htlcId: BigInt(i) }));
}

function monitorsOf(commands: readonly ChannelCommand[]) {
  return commands.map((command) => command.kind === "resolve-htlc" && command.monitor);
}

describe("a claim of several parts", () => {
  it("tells each monitor of all, and in turn lets each wait for the one before", () => {
    const { channels, logger, commands } = numbering();
    const parts = partsOf(one, two, one);
    const toClaim = parts.map((ref) => ({ ref, resolution }));
    const last = claimParts({ channels, logger }, toClaim, { inTurn: true });
    assert.deepEqual(last, { channelId: one, updateId: 9 });
    assert.deepEqual(monitorsOf(commands), [
      { parts, after: [] },
      { parts, after: [{ channelId: one, updateId: 8 }] },
      { parts, after: [{ channelId: two, updateId: 21 }] },
    ]);
  });

  it("lets none wait otherwise, and goes on when one is refused", () => {
    const { channels, logger, commands, complaints } = numbering();
    const parts = partsOf(gone, two);
    const toClaim = parts.map((ref) => ({ ref, resolution }));
    assert.deepEqual(claimParts({ channels, logger }, toClaim), { channelId: two, updateId: 21 });
    assert.deepEqual(monitorsOf(commands), [
      { parts, after: [] },
      { parts, after: [] },
    ]);
    assert.deepEqual(complaints, [`${gone}/0: it is over`]);
  });

  it("gives nothing when nothing was new", () => {
    const { channels, logger } = numbering();
    const toClaim = partsOf(gone).map((ref) => ({ ref, resolution }));
    assert.equal(claimParts({ channels, logger }, toClaim), undefined);
  });
});
