import type { ChannelAction } from "../action.ts";
import type { ChannelCommand } from "../input.ts";
import type { ChannelChange } from "../ops/commit.ts";
import type { FundedChannel } from "../state.ts";

type RecordCommand = Extract<
  ChannelCommand,
  { readonly kind: "set-disposition" | "set-upstream" | "update-config" }
>;

/** Commands that change what is written about the channel, and nothing that the peer sees. */
export function changeRecords(channel: FundedChannel, command: RecordCommand): ChannelChange {
  const actions: readonly ChannelAction[] = [{ kind: "persist", left: [] }];
  switch (command.kind) {
    case "set-disposition": {
      const { disposition } = command;
      const incoming = channel.incoming.map((record) =>
        record.id === command.htlcId && record.disposition.kind !== "resolved"
          ? { id: record.id, disposition }
          : record,
      );
      return { channel: { ...channel, incoming }, actions };
    }
    case "set-upstream": {
      const { upstream } = command;
      const outgoing = channel.outgoing.map((record) =>
        record.id === command.htlcId ? { ...record, upstream } : record,
      );
      return { channel: { ...channel, outgoing }, actions };
    }
    case "update-config":
      return {
        channel: { ...channel, identity: { ...channel.identity, config: command.config } },
        actions: [...actions, { kind: "usability-changed" }],
      };
  }
}
