import { forgetUnsignedUpdates } from "#src/channel/ops/reestablish";
import {
  type ChannelState,
  type FundedChannel,
  fundedChannel,
  nothingExchanged,
  withFundedChannel,
} from "#src/channel/state";
import type { StoredState } from "#src/storage/v1/readChannel";
import { noBytes } from "#src/util/bytes";

/**
 * What a record of `state` must give back: the state as a lost connection leaves it, HTLCs in the order of their keys,
 * without the onions that are never sent again.
 */
export function recorded(state: ChannelState): StoredState {
  if (state.kind === "awaiting-signer") return recorded(state.before);
  const channel = fundedChannel(state);
  if (channel === undefined) throw new Error(`${state.kind} is not stored`);
  const resting = withFundedChannel(state, afterConnection(channel));
  switch (resting.kind) {
    case "wait-for-channel-ready":
    case "normal":
    case "shutting-down":
      return { kind: "offline", inner: resting };
    case "negotiating": {
      const { localFee: _fee, localRange: _range, ...rest } = resting;
      return { kind: "offline", inner: { ...rest, ticks: 0 } };
    }
    case "syncing":
    case "offline":
      return recorded(resting.inner);
    case "closing":
    case "wait-for-remote-close":
      return resting;
    default:
      throw new Error(`${resting.kind} is not stored`);
  }
}

function afterConnection(before: FundedChannel): FundedChannel {
  const { channel } = forgetUnsignedUpdates(before);
  const { commitments } = channel;
  const ordered = [
    ...commitments.htlcs.filter(({ direction }) => direction === "incoming"),
    ...commitments.htlcs.filter(({ direction }) => direction === "outgoing"),
  ];
  const unanswered = new Set<bigint>();
  for (const { id, state } of ordered) if (state === "sent-add-commit") unanswered.add(id);
  return {
    ...channel,
    exchanged: nothingExchanged,
    commitments: { ...commitments, htlcs: ordered },
    outgoing: channel.outgoing.map((one) => (unanswered.has(one.id) ? one : { ...one, onion: noBytes })),
  };
}
