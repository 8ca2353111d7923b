import { isCoinbase, txid } from "@fulmen/bitcoin/transaction";
import type { ActiveFunding } from "../../commitment/commitments.ts";
import type { Htlc } from "../../commitment/htlc.ts";
import { cltvClaimBuffer, latencyGracePeriod } from "../../onchain/deadlines.ts";
import { equalBytes } from "../../util/bytes.ts";
import type { ChannelAction } from "../action.ts";
import { announcementDepth, coinbaseMaturity, fundingConfirmationDeadline } from "../deadlines.ts";
import type { ChannelContext, ChannelInput } from "../input.ts";
import { type Outcome, unchanged } from "../outcome.ts";
import { type ConnectedState, type FundedChannel, withChannel } from "../state.ts";
import { announcementTasks } from "./announce.ts";
import { lateOffer } from "./commit.ts";
import { fundingOutputScript } from "./firstCommitments.ts";
import { forceClose } from "./forceClose.ts";
import { broadcastFunding } from "./funding.ts";
import { whenDeepEnough } from "./ready.ts";

export type FundingConfirmed = Extract<ChannelInput, { readonly kind: "funding-confirmed" }>;
interface Connection {
  readonly connected: boolean;
}

/**
 * The funding transaction is in a block. That its output is the one that was agreed on is checked here: its id alone
 * says nothing of what it pays (CVE-2019-12998).
 */
export function fundingConfirmed(
  ctx: ChannelContext,
  state: ConnectedState,
  input: FundingConfirmed,
  connection: Connection,
): Outcome {
  const { channel } = state;
  const id = txid(input.transaction);
  const funding = channel.commitments.fundings.find(({ outPoint }) => outPoint.txid === id);
  if (funding === undefined) {
    return unchanged(state, {
      kind: "log",
      level: "error",
      text: `transaction ${id} does not fund this channel`,
    });
  }
  const wrong = wrongOutput(funding, input);
  if (wrong !== undefined) {
    return forceClose(
      channel,
      { kind: "processing-error", error: wrong },
      { broadcast: false, tellPeer: wrong, proposals: proposalsOf(state) },
    );
  }
  const outcome = whenDeepEnough(ctx, withChannel(state, noteConfirmed(channel, input)), connection);
  const noted: readonly ChannelAction[] = [{ kind: "persist", left: [] }, { kind: "usability-changed" }];
  return withAnnouncement(ctx, { ...outcome, actions: [...noted, ...outcome.actions] }, connection);
}

/** The channel with its funding in the chain; signatures that announced it in another place count no more. */
export function noteConfirmed(channel: FundedChannel, input: FundingConfirmed): FundedChannel {
  const { height, blockHash, txIndex } = input;
  const { fundingStatus: before, minimumDepth } = channel;
  const moved = before.kind === "confirmed" && (before.height !== height || before.txIndex !== txIndex);
  // Before that depth, nobody can spend the output.
  const mature = isCoinbase(input.transaction) && minimumDepth > 0;
  return {
    ...channel,
    fundingStatus: { kind: "confirmed", height, blockHash, txIndex },
    minimumDepth: mature ? Math.max(minimumDepth, coinbaseMaturity) : minimumDepth,
    ...(moved && { announcementSignatures: {} }),
  };
}

/**
 * A reorganisation took the funding out of the chain. Who called the channel ready may lose what was paid through it,
 * if another transaction confirms instead: it is closed, unless it was used without confirmations from the start.
 */
export function fundingUnconfirmed(ctx: ChannelContext, state: ConnectedState): Outcome {
  const { channel } = state;
  if (channel.fundingStatus.kind === "unconfirmed") return unchanged(state);
  const next: FundedChannel = {
    ...channel,
    fundingStatus: { kind: "unconfirmed", since: ctx.bestHeight },
    announcementSignatures: {},
  };
  if (channel.localReady && channel.minimumDepth > 0) {
    const text = `the funding transaction was unconfirmed after ${channel.minimumDepth} confirmations`;
    return forceClose(
      next,
      { kind: "processing-error", error: text },
      { broadcast: true, tellPeer: text, proposals: proposalsOf(state) },
    );
  }
  return {
    state: withChannel(state, next),
    actions: [{ kind: "persist", left: [] }, { kind: "usability-changed" }],
  };
}

/** The best block changed. */
export function newBlock(ctx: ChannelContext, state: ConnectedState, connection: Connection): Outcome {
  const { channel } = state;
  const { fundingStatus, commitments, fundingTransaction } = channel;
  const unconfirmed = fundingStatus.kind === "unconfirmed";
  if (unconfirmed && !commitments.params.isOpener) {
    const waited = ctx.bestHeight - fundingStatus.since;
    if (waited >= fundingConfirmationDeadline) {
      return forceClose(
        channel,
        { kind: "funding-timed-out" },
        {
          broadcast: channel.localReady,
          tellPeer: `the funding transaction did not confirm within ${waited} blocks`,
          proposals: proposalsOf(state),
        },
      );
    }
  }
  const late = commitments.htlcs.find((htlc) => mustSettleOnChain(channel, htlc, ctx.bestHeight));
  if (late !== undefined) {
    return forceClose(
      channel,
      { kind: "htlcs-timed-out", paymentHash: late.paymentHash },
      {
        broadcast: true,
        tellPeer: `HTLC ${late.id} with expiry ${late.cltvExpiry} is not settled at height ${ctx.bestHeight}`,
        proposals: proposalsOf(state),
      },
    );
  }
  const unsigned = lateOffer(commitments, ctx.bestHeight);
  if (unsigned !== undefined) {
    // Only a disconnection takes back what was offered and not signed; it goes back to its source then.
    const text = `HTLC ${unsigned.id} was not signed before height ${ctx.bestHeight}: the peer owes a revocation`;
    return unchanged(state, { kind: "log", level: "warn", text }, { kind: "disconnect" });
  }
  const outcome = whenDeepEnough(ctx, state, connection);
  const again = unconfirmed && fundingTransaction !== undefined ? [broadcastFunding(fundingTransaction)] : [];
  return withAnnouncement(ctx, { ...outcome, actions: [...again, ...outcome.actions] }, connection);
}

/**
 * The height from which `newBlock` has something to do, whatever else happens; `undefined` when it never has. An
 * opener whose funding is not confirmed broadcasts it with every block.
 */
export function nextDeadline(state: ConnectedState): number | undefined {
  const { channel } = state;
  const { fundingStatus, commitments, minimumDepth, announcementSignatures } = channel;
  const heights = commitments.htlcs.flatMap((htlc) => settlementHeight(channel, htlc) ?? []);
  for (const { state: at, cltvExpiry } of commitments.htlcs) {
    if (at === "sent-add-htlc") heights.push(cltvExpiry - latencyGracePeriod);
  }
  if (fundingStatus.kind === "unconfirmed") {
    heights.push(commitments.params.isOpener ? 0 : fundingStatus.since + fundingConfirmationDeadline);
  } else {
    if (!channel.localReady) heights.push(fundingStatus.height + minimumDepth - 1);
    const announced = !channel.identity.announce || announcementSignatures.local !== undefined;
    if (!announced) heights.push(fundingStatus.height + announcementDepth - 1);
  }
  return heights.length === 0 ? undefined : Math.min(...heights);
}

/**
 * From which height on an HTLC must be settled on chain: one that we offered and that the peer neither failed nor
 * fulfilled; one that the peer offered and whose preimage we know. `undefined` for all others.
 */
function settlementHeight(channel: FundedChannel, htlc: Htlc): number | undefined {
  if (htlc.direction === "outgoing") {
    const signed = htlc.state !== "sent-add-htlc";
    // With the preimage, all is won already.
    return signed && htlc.removal?.kind !== "fulfill" ? htlc.cltvExpiry + latencyGracePeriod : undefined;
  }
  const disposition = channel.incoming.find(({ id }) => id === htlc.id)?.disposition;
  const claimed = disposition?.kind === "resolved" && disposition.resolution.kind === "fulfill";
  return claimed ? htlc.cltvExpiry - cltvClaimBuffer : undefined;
}

function mustSettleOnChain(channel: FundedChannel, htlc: Htlc, height: number): boolean {
  const from = settlementHeight(channel, htlc);
  return from !== undefined && height >= from;
}

/** Whether the transaction has the funding output that was agreed on. */
export function paysFunding({ commitments }: FundedChannel, input: FundingConfirmed): boolean {
  const id = txid(input.transaction);
  const funding = commitments.fundings.find(({ outPoint }) => outPoint.txid === id);
  return funding !== undefined && wrongOutput(funding, input) === undefined;
}

function wrongOutput(funding: ActiveFunding, { transaction }: FundingConfirmed): string | undefined {
  const { outPoint, capacity } = funding;
  const output = transaction.outputs[outPoint.index];
  if (output === undefined) return `funding transaction ${outPoint.txid} has no output ${outPoint.index}`;
  if (output.value !== capacity) {
    return `the funding output has ${output.value} sat, not the ${capacity} sat agreed on`;
  }
  return equalBytes(output.script, fundingOutputScript(funding))
    ? undefined
    : "the funding output does not pay to both parties' keys";
}

function withAnnouncement(ctx: ChannelContext, outcome: Outcome, { connected }: Connection): Outcome {
  const { state } = outcome;
  if (!connected || state.kind !== "normal" || outcome.tasks !== undefined) return outcome;
  return { ...outcome, tasks: announcementTasks(ctx, state) };
}

function proposalsOf(state: ConnectedState) {
  return state.kind === "negotiating" ? state.proposals : [];
}
