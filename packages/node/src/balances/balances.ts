import type { ChannelDetails } from "@fulmen/lightning/manager";
import {
  type Msat,
  minOf,
  minusOrZero,
  plus,
  type Sat,
  satToMsat,
  sum,
  zeroMsat,
  zeroSat,
} from "@fulmen/lightning/util";
import type { Balances, Explained, PendingBalance, PendingReason } from "../api/balances.ts";
import { liveChannels, type NodeParts, phaseOf } from "../parts/index.ts";

type BalanceParts = Pick<NodeParts, "manager" | "wallet" | "sweeper">;

/** All that the node has, each millisatoshi once. */
export function balancesOf(parts: BalanceParts, closing: readonly PendingBalance[]): Balances {
  const onchain = onchainBalances(parts);
  const lightning = lightningBalances(liveChannels(parts));
  const owed = sum(closing.map(({ amount }) => amount));
  return { onchain, lightning, closing, total: plus(plus(satToMsat(onchain.total), lightning.total), owed) };
}

function onchainBalances({ manager, wallet, sweeper }: BalanceParts): Balances["onchain"] {
  const { confirmed, trustedPending, untrustedPending, immature, locked } = wallet.balance();
  const required = manager.requiredAnchorReserve();
  const free = plus(confirmed, trustedPending);
  const reserved = minOf(required, free);
  const spendable = minusOrZero(free, reserved);
  const missing = minusOrZero(required, free);
  const short = missing > 0n ? `; ${missing} sat are missing` : "";
  return {
    total: sum([confirmed, trustedPending, untrustedPending, immature, locked]),
    spendable: explained(spendable, "can be sent, or put into a channel, now; the fee comes out of it"),
    reserved: explained(
      reserved,
      required === 0n
        ? "no channel needs a reserve"
        : `of ${required} sat that must stay so that all channels can be closed when fees are high${short}`,
    ),
    locked: explained(locked, "held by transactions that are being made, or that pay for a close"),
    pending: [
      ...unconfirmed(untrustedPending, sweptCoins({ wallet, sweeper })),
      ...maturing(immatureCoins(wallet, manager.bestBlock.height)),
    ],
  };
}

/** Of what no block has yet, the part that the node itself brings from closed channels. */
function sweptCoins({ wallet, sweeper }: Pick<BalanceParts, "wallet" | "sweeper">): Sat {
  const swept = wallet
    .coins()
    .filter(({ position, outPoint }) => {
      return position.kind === "unconfirmed" && sweeper.sweepTransaction(outPoint.txid) !== undefined;
    })
    .map(({ output }) => output.value);
  return sum(swept);
}

function unconfirmed(amount: Sat, swept: Sat): readonly PendingBalance[] {
  const ours = minOf(amount, swept);
  const theirs = minusOrZero(amount, ours);
  const pending = (reason: PendingReason, part: Sat, explanation: string): readonly PendingBalance[] =>
    part === 0n ? [] : [{ reason, amount: satToMsat(part), explanation }];
  return [
    ...pending(
      "sweep",
      ours,
      "what closed channels left: the transaction that takes it to the wallet is in the mempool; it can be spent once a block has it",
    ),
    ...pending("unconfirmed", theirs, "on its way from somebody else; it can be spent once a block has it"),
  ];
}

/** Mined coins by the height from which they can be spent: the block after 99 more. */
function immatureCoins(wallet: BalanceParts["wallet"], height: number): ReadonlyMap<number, Sat> {
  const found = new Map<number, Sat>();
  for (const { position, isCoinbase, output } of wallet.coins()) {
    if (!isCoinbase || position.kind !== "confirmed") continue;
    const matureAt = position.height + 99;
    if (matureAt > height) found.set(matureAt, plus(found.get(matureAt) ?? zeroSat, output.value));
  }
  return found;
}

function maturing(byHeight: ReadonlyMap<number, Sat>): readonly PendingBalance[] {
  return [...byHeight].map(([height, amount]) => ({
    reason: "immature",
    amount: satToMsat(amount),
    height,
    explanation: `mined; it can be spent from block ${height} on`,
  }));
}

function lightningBalances(channels: readonly ChannelDetails[]): Balances["lightning"] {
  const of = (amount: (channel: ChannelDetails) => Msat): Msat => sum(channels.map(amount));
  const sending = of((channel) => sum(outgoing(channel)));
  const claimed = of((channel) => sum(incoming(channel, true)));
  const receiving = of((channel) => sum(incoming(channel, false)));
  // What a peer promises costs it nothing before its funding is in a block.
  const local = of((channel) => (isPromised(channel) ? zeroMsat : channel.localBalance));
  const opening = channels.filter((channel) => phaseOf(channel) === "opening").length;
  const waits = opening > 0 ? `; ${opening} of the channels wait for confirmations` : "";
  return {
    // `localBalance` has what is on its way to others.
    total: plus(local, claimed),
    spendable: explained(
      of(({ nextOutboundHtlcLimit }) => nextOutboundHtlcLimit),
      `what usable channels can send now, fees included${waits}`,
    ),
    receivable: explained(of(receivableOf), `what peers of usable channels could send us now${waits}`),
    sending: explained(sending, "on its way to others, and ours until they have it"),
    receiving: explained(receiving, "on its way to us, and not ours before it is claimed"),
    reserve: explained(
      of((channel) =>
        isPromised(channel) ? zeroMsat : minOf(satToMsat(channel.localReserve), channel.localBalance),
      ),
      "must stay on our side of the channels as long as they are open",
    ),
  };
}

/** A peer's channel of which no block has the funding that we wait for. */
function isPromised(channel: ChannelDetails): boolean {
  return !channel.isOutbound && phaseOf(channel) === "opening";
}

/** What the peer can send at the most: its balance without its reserve and what it is sending. */
export function receivableOf(channel: ChannelDetails): Msat {
  if (!channel.isUsable) return zeroMsat;
  return minusOrZero(sidesOf(channel).remote, satToMsat(channel.remoteReserve));
}

/** Both sides' balances without what is on its way between them. */
export function sidesOf(channel: ChannelDetails): { readonly local: Msat; readonly remote: Msat } {
  const arriving = channel.htlcs.flatMap(({ direction, amount }) =>
    direction === "incoming" ? [amount] : [],
  );
  return {
    local: minusOrZero(channel.localBalance, sum(outgoing(channel))),
    remote: minusOrZero(channel.remoteBalance, sum(arriving)),
  };
}

function outgoing({ htlcs }: ChannelDetails): readonly Msat[] {
  return htlcs.flatMap(({ direction, amount }) => (direction === "outgoing" ? [amount] : []));
}

function incoming({ htlcs }: ChannelDetails, isClaimed: boolean): readonly Msat[] {
  return htlcs.flatMap(({ direction, amount, ending }) =>
    direction === "incoming" && (ending === "fulfilled") === isClaimed ? [amount] : [],
  );
}

function explained<T extends Sat | Msat>(amount: T, explanation: string): Explained<T> {
  return { amount, explanation };
}
