import type { HtlcRef, Resolution } from "../channel/disposition.ts";
import type { ChannelRefusal } from "../channel/error.ts";
import type { ChannelCommand } from "../channel/input.ts";
import type { FundedChannel } from "../channel/state.ts";
import type { UpdateRef } from "../onchain/channelMonitorUpdate.ts";
import type { ChannelId } from "../util/ids.ts";
import type { ManagerEnvironment } from "./environment.ts";
import { refKey } from "./incomingHtlcs.ts";

/** An HTLC that came in, and what goes back with its preimage. */
export interface PartToClaim {
  readonly ref: HtlcRef;
  readonly resolution: Extract<Resolution, { readonly kind: "fulfill" }>;
}

/** What of the channels is needed to claim. */
interface ClaimingChannels {
  funded(channelId: ChannelId): Pick<FundedChannel, "lastUpdateId"> | undefined;
  command(channelId: ChannelId, command: ChannelCommand): Pick<ChannelRefusal, "text"> | undefined;
}

/**
 * Claims all parts of a payment in one batch, each part's monitor told of all the others. Gives the last update that
 * stores the preimage; `undefined` when it was known everywhere. `inTurn`: each update comes after the one before, so
 * that whatever waits for the last waits for all.
 */
export function claimParts(
  { channels, logger }: { readonly channels: ClaimingChannels } & Pick<ManagerEnvironment, "logger">,
  parts: readonly PartToClaim[],
  { inTurn = false } = {},
): UpdateRef | undefined {
  const refs = parts.map(({ ref }) => ref);
  let last: UpdateRef | undefined;
  for (const { ref, resolution } of parts) {
    const { channelId, htlcId } = ref;
    const before = channels.funded(channelId)?.lastUpdateId;
    const refusal = channels.command(channelId, {
      kind: "resolve-htlc",
      htlcId,
      resolution,
      monitor: { parts: refs, after: inTurn && last !== undefined ? [last] : [] },
    });
    if (refusal !== undefined)
      logger.log({ level: "error", module: "payment", text: `${refKey(ref)}: ${refusal.text}` });
    const updateId = channels.funded(channelId)?.lastUpdateId;
    if (updateId !== undefined && updateId !== before) last = { channelId, updateId };
  }
  return last;
}
