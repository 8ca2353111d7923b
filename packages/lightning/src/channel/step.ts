import { InvariantError, invariant } from "../util/invariant.ts";
import type { ChannelAction, ChannelStep } from "./action.ts";
import { continueWith } from "./continuation.ts";
import { refusal } from "./error.ts";
import type { ChannelContext, ChannelInput, RecordCommand } from "./input.ts";
import type { Outcome } from "./outcome.ts";
import {
  type AwaitingSigner,
  type ChannelState,
  fundedChannel,
  type RestingState,
  withFundedChannel,
} from "./state.ts";
import { stepClosing, stepWaitForRemoteClose } from "./states/closing.ts";
import { stepConnected } from "./states/connected.ts";
import { stepOffline } from "./states/offline.ts";
import { isRecordCommand, record } from "./states/records.ts";
import { stepSyncing } from "./states/syncing.ts";
import { stepUnfunded } from "./states/unfunded.ts";

/** How many inputs may wait for the signer; the manager stops reading from the peer long before. */
const maxStash = 2_000;

/**
 * One step of a channel: total, pure, deterministic. Whatever the input, the answer is a state and what is to be done;
 * it throws `InvariantError` for bugs of ours only.
 */
export function step(
  ctx: ChannelContext,
  state: ChannelState,
  input: ChannelInput,
): ChannelStep<ChannelState> {
  const actions: ChannelAction[] = [];
  let current = state;
  // What waited for the signer follows in its order as soon as the channel rests again.
  let waiting: readonly ChannelInput[] = [input];
  for (let next = waiting[0]; next !== undefined; next = waiting[0]) {
    const rest = waiting.slice(1);
    const outcome: Outcome =
      current.kind === "awaiting-signer" ? stepAwaiting(ctx, current, next) : stepResting(ctx, current, next);
    const waited = next === input ? undefined : next;
    for (const action of outcome.actions) actions.push(waited ? refusedLate(waited, action) : action);
    const stash = [...resumption(outcome), ...(outcome.released ?? []), ...rest];
    const [task, ...later] = outcome.tasks ?? [];
    if (task !== undefined) {
      actions.push({ kind: "request-signature", request: task.request });
      return { state: { kind: "awaiting-signer", before: outcome.state, ...task, later, stash }, actions };
    }
    if (outcome.awaiting !== undefined) {
      invariant(stash.length === 0, "inputs behind one that is put aside");
      return { state: outcome.awaiting, actions };
    }
    current = outcome.state;
    waiting = stash;
  }
  return { state: current, actions };
}

/**
 * Who gave a command that had to wait was told that it is taken. If it is refused after all, an HTLC goes back to its
 * source like one that was never signed; other commands ask for what is nobody's loss.
 */
function refusedLate(input: ChannelInput, action: ChannelAction): ChannelAction {
  if (action.kind !== "refused" || input.kind !== "command") return action;
  const { command } = input;
  if (command.kind === "add-htlc") {
    const { amount, paymentHash, source } = command.htlc;
    return { kind: "htlc-dropped", amount, paymentHash, source };
  }
  return { kind: "log", level: "info", text: `${command.kind} refused: ${action.refusal.text}` };
}

function resumption(outcome: Outcome): readonly ChannelInput[] {
  return outcome.resume === true ? [{ kind: "command", command: { kind: "resume" } }] : [];
}

function stepResting(ctx: ChannelContext, state: RestingState, input: ChannelInput): Outcome {
  switch (state.kind) {
    case "wait-for-accept-channel":
    case "wait-for-acceptance":
    case "wait-for-funding-transaction":
    case "wait-for-funding-created":
    case "wait-for-funding-signed":
      return stepUnfunded(ctx, state, input);
    case "wait-for-channel-ready":
    case "normal":
    case "shutting-down":
    case "negotiating":
      return stepConnected(ctx, state, input);
    case "offline":
      return stepOffline(ctx, state, input);
    case "syncing":
      return stepSyncing(ctx, state, input);
    case "closing":
      return stepClosing(ctx, state, input);
    case "wait-for-remote-close":
      return stepWaitForRemoteClose(ctx, state, input);
    case "ended":
      return { state, actions: [] };
  }
}

/**
 * The signer has been asked. Its answer carries on; what ends the channel or its connection drops the question, for
 * nothing of what it was about has left us; all else waits.
 */
function stepAwaiting(ctx: ChannelContext, state: AwaitingSigner, input: ChannelInput): Outcome {
  const { before, stash } = state;
  switch (input.kind) {
    case "signed": {
      if (input.answer.kind === "refused") return signerRefused(state, input.answer.reason);
      if (input.answer.kind !== state.request.kind) {
        throw new InvariantError(`asked the signer for ${state.request.kind}, got ${input.answer.kind}`);
      }
      const outcome = continueWith(ctx, before, { continuation: state.continuation, answer: input.answer });
      const tasks = [...(outcome.tasks ?? []), ...state.later];
      return { ...outcome, tasks, released: [...(outcome.released ?? []), ...stash] };
    }
    case "disconnected":
      return { ...stepResting(ctx, before, input), released: stash.filter(({ kind }) => kind !== "message") };
    case "funding-spent":
    case "watch-refused":
      return { ...stepResting(ctx, before, input), released: stash };
    case "command":
      if (input.command.kind === "force-close")
        return { ...stepResting(ctx, before, input), released: stash };
      return isRecordCommand(input.command) ? recordNow(state, input.command) : putAside(state, input);
    case "message":
    case "connected":
    case "funding-confirmed":
    case "funding-unconfirmed":
    case "new-block":
    case "tick":
      return putAside(state, input);
  }
}

/**
 * Facts about HTLCs are written in the batch that causes them, whatever the signer does: they change the channel as it
 * was before the question. What the peer must hear of them follows once the channel rests.
 */
function recordNow(state: AwaitingSigner, command: RecordCommand): Outcome {
  const channel = fundedChannel(state.before);
  if (channel === undefined) return { state: state.before, awaiting: state, actions: [] };
  const change = record(channel, command);
  if (!change.ok) {
    return { state: state.before, awaiting: state, actions: [{ kind: "refused", refusal: change.error }] };
  }
  const before = withFundedChannel(state.before, change.value.channel);
  const resume: ChannelInput = { kind: "command", command: { kind: "resume" } };
  const stash = command.kind === "resolve-htlc" ? [...state.stash, resume] : state.stash;
  return { state: before, awaiting: { ...state, before, stash }, actions: change.value.actions };
}

function putAside(state: AwaitingSigner, input: ChannelInput): Outcome {
  const { stash } = state;
  // A block or a tick that waits already says all that another one would.
  const told =
    (input.kind === "new-block" || input.kind === "tick") && stash.some(({ kind }) => kind === input.kind);
  if (told) return { state: state.before, awaiting: state, actions: [] };
  if (stash.length < maxStash) {
    return { state: state.before, awaiting: { ...state, stash: [...stash, input] }, actions: [] };
  }
  const text = `${stash.length} inputs wait for the signer`;
  const actions: ChannelAction[] =
    input.kind === "command"
      ? [{ kind: "refused", refusal: refusal("ignore", "signer-busy", text) }]
      : [{ kind: "log", level: "error", text }, { kind: "disconnect" }];
  return { state: state.before, awaiting: state, actions };
}

/** The channel stays where it was before the question; a new connection asks again. */
function signerRefused({ before, request, stash }: AwaitingSigner, reason: string): Outcome {
  const text = `the signer refused ${request.kind}: ${reason}`;
  return {
    state: before,
    actions: [{ kind: "log", level: "error", text }, { kind: "disconnect" }],
    released: stash.filter(({ kind }) => kind !== "message"),
  };
}
