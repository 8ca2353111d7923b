import type { ChannelAction } from "./action.ts";
import type { ChannelRefusal } from "./error.ts";
import type { ChannelInput } from "./input.ts";
import type { AwaitingSigner, RestingState, SigningTask } from "./state.ts";

/** What a state's handler gives: the next state, what is to be done, and what the signer must answer first. */
export interface Outcome {
  readonly state: RestingState;
  readonly actions: readonly ChannelAction[];
  /** Asked one after the other; each answer is applied to `state`. */
  readonly tasks?: readonly SigningTask[];
  /** After the answers, tell the peer what it was not told while the connection was down. */
  readonly resume?: boolean;
  /** Inputs that waited for the signer and come next. */
  readonly released?: readonly ChannelInput[];
  /** The channel goes on waiting for the signer; `state` is the one before the question. */
  readonly awaiting?: AwaitingSigner;
}

/** Nothing changes. */
export function unchanged(state: RestingState, ...actions: readonly ChannelAction[]): Outcome {
  return { state, actions };
}

/** A command that is not carried out. */
export function refuse(state: RestingState, refusal: ChannelRefusal): Outcome {
  return { state, actions: [{ kind: "refused", refusal }] };
}

/** An answer of the signer to a state that asked nothing. */
export function answeredUnasked(state: RestingState): Outcome {
  return unchanged(state, {
    kind: "log",
    level: "warn",
    text: "an answer of the signer that nobody waits for",
  });
}
