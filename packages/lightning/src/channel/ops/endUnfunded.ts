import type { ClosureReason, Event } from "../../handlers/event.ts";
import type { ChannelId, NodeId, OutPoint } from "../../util/ids.ts";
import type { Sat } from "../../util/units.ts";
import type { ChannelAction } from "../action.ts";
import type { ChannelRefusal } from "../error.ts";
import type { Outcome } from "../outcome.ts";
import type { UnfundedState } from "../state.ts";
import { send } from "./commit.ts";
import { complaint } from "./forceClose.ts";

/** The id by which both sides call an unfunded channel: the final one once `funding_created` was sent (BOLT 1). */
function unfundedChannelId(state: UnfundedState): ChannelId {
  switch (state.kind) {
    case "wait-for-accept-channel":
    case "wait-for-acceptance":
      return state.open.temporaryChannelId;
    case "wait-for-funding-transaction":
    case "wait-for-funding-created":
      return state.opening.temporaryChannelId;
    case "wait-for-funding-signed":
      return state.channelId;
  }
}

/** Nothing is at stake yet: the channel is forgotten, and the peer told with an `error` unless it knows. */
export function endUnfunded(
  state: UnfundedState,
  how: { readonly reason: ClosureReason; readonly tellPeer?: string },
): Outcome {
  const actions: ChannelAction[] = [];
  if (how.tellPeer !== undefined) {
    actions.push(send(complaint("error", unfundedChannelId(state), how.tellPeer)));
  }
  actions.push(...closedEvents(state, how.reason).map((event): ChannelAction => ({ kind: "event", event })));
  actions.push({ kind: "closed", reason: how.reason });
  return { state: { kind: "ended" }, actions };
}

/** What refusing the peer's message comes to: there is nothing to save in an unfunded channel. */
export function failUnfunded(state: UnfundedState, { code, text }: ChannelRefusal): Outcome {
  const why = `${code}: ${text}`;
  const ended = endUnfunded(state, { reason: { kind: "processing-error", error: why }, tellPeer: why });
  return { ...ended, actions: [{ kind: "log", level: "warn", text: why }, ...ended.actions] };
}

/** A channel that the user has not accepted was never the user's: its end is no event. */
function closedEvents(state: UnfundedState, reason: ClosureReason): readonly Event[] {
  if (state.kind === "wait-for-acceptance") return [];
  const { counterparty, userChannelId, capacity, funding } = factsOf(state);
  const channelId = unfundedChannelId(state);
  const closed: Event = {
    kind: "channel-closed",
    channelId,
    counterparty,
    userChannelId,
    reason,
    capacity,
    ...(funding && { funding }),
  };
  return funding === undefined ? [closed] : [closed, { kind: "discard-funding", channelId, funding }];
}

function factsOf(state: Exclude<UnfundedState, { readonly kind: "wait-for-acceptance" }>): {
  readonly counterparty: NodeId;
  readonly userChannelId: bigint;
  readonly capacity: Sat;
  readonly funding?: OutPoint;
} {
  if (state.kind === "wait-for-accept-channel") {
    return { ...state.identity, capacity: state.open.fundingSatoshis };
  }
  const { identity, capacity } = state.opening;
  const funding = state.kind === "wait-for-funding-signed" ? { funding: state.funding } : {};
  return { ...identity, capacity, ...funding };
}
