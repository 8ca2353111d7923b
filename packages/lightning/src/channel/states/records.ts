import { ok, type Result } from "../../util/result.ts";
import type { ChannelAction } from "../action.ts";
import type { ChannelRefusal } from "../error.ts";
import type { ChannelCommand, RecordCommand } from "../input.ts";
import type { ChannelChange } from "../ops/commit.ts";
import { resolveHtlc } from "../ops/htlcs.ts";
import { type Outcome, refuse } from "../outcome.ts";
import { type FundedChannel, type RestingState, withFundedChannel } from "../state.ts";

export function isRecordCommand(command: ChannelCommand): command is RecordCommand {
  switch (command.kind) {
    case "set-disposition":
    case "set-upstream":
    case "settle-on-chain":
    case "update-config":
    case "resolve-htlc":
      return true;
    default:
      return false;
  }
}

/** The outcome of `record` where nothing follows from the fact. */
export function recorded(state: RestingState, channel: FundedChannel, command: RecordCommand): Outcome {
  const change = record(channel, command);
  if (!change.ok) return refuse(state, change.error);
  return { state: withFundedChannel(state, change.value.channel), actions: change.value.actions };
}

/** Writes the fact down, whatever the channel is doing. */
export function record(
  channel: FundedChannel,
  command: RecordCommand,
): Result<ChannelChange, ChannelRefusal> {
  const actions: readonly ChannelAction[] = [{ kind: "persist", left: [] }];
  switch (command.kind) {
    case "resolve-htlc":
      return resolveHtlc(channel, command);
    case "set-disposition": {
      const { disposition } = command;
      const incoming = channel.incoming.map((htlc) =>
        htlc.id === command.htlcId && htlc.disposition.kind !== "resolved"
          ? { id: htlc.id, disposition }
          : htlc,
      );
      return ok({ channel: { ...channel, incoming }, actions });
    }
    case "set-upstream": {
      const { upstream } = command;
      const outgoing = channel.outgoing.map((htlc) =>
        htlc.id === command.htlcId ? { ...htlc, upstream } : htlc,
      );
      return ok({ channel: { ...channel, outgoing }, actions });
    }
    case "settle-on-chain": {
      const outgoing = channel.outgoing.map((htlc) =>
        htlc.id === command.htlcId ? ({ ...htlc, settledOnChain: true } as const) : htlc,
      );
      return ok({ channel: { ...channel, outgoing }, actions });
    }
    case "update-config": {
      const identity = { ...channel.identity, config: command.config };
      return ok({ channel: { ...channel, identity }, actions: [...actions, { kind: "usability-changed" }] });
    }
  }
}
