import { isIP } from "node:net";
import { signNodeAnnouncement } from "@fulmen/lightning/gossip";
import type { PaymentId, UnixSeconds } from "@fulmen/lightning/util";
import { Features, type SocketAddress } from "@fulmen/lightning/wire";
import { fetchThrough } from "@fulmen/net";
import { syncFrom } from "@fulmen/rapid-gossip-sync";
import type { StoredNodeEvent } from "../api/events.ts";
import type { Payment } from "../api/payments.ts";
import { eventPrefix, openPrefix } from "../journal/index.ts";
import type { NodeParts } from "../parts/index.ts";
import { hostAndPort } from "../peers/index.ts";
import { dialOf, goesThrough } from "../tor/index.ts";

const day = 24 * 3_600;
const defaultEventDays = 90;
const defaultInvoiceDays = 30;
const rowsAtOnce = 200;
const rgbColor = Uint8Array.of(0xf5, 0xb3, 0x01);

/** Payments that were begun, and of which the manager never heard: the process ended in between. */
export async function endInterrupted({ journal, manager }: NodeParts): Promise<void> {
  const known = new Set<string>(manager.listRecentPayments().map(({ paymentId }) => paymentId));
  for (const { event } of manager.pendingEvents(100_000))
    if ("paymentId" in event && event.paymentId) known.add(event.paymentId);
  for await (const { id } of journal.all<{ readonly id: PaymentId }>(openPrefix)) {
    if (known.has(id)) continue;
    await journal.run(async (transaction) => {
      const payment = await transaction.payment(id);
      if (payment?.direction !== "sent" || payment.status !== "pending") return;
      const failure = {
        code: "interrupted",
        text: "the node stopped before the payment was under way: nothing was sent",
      };
      transaction.putPayment({ ...payment, status: "failed", failure, settledAt: transaction.at });
    });
  }
}

/** Forgets events and unpaid invoices that are old enough, some at a time. */
export async function forgetOld({ journal, options, now }: NodeParts): Promise<void> {
  const { eventDays = defaultEventDays, unpaidInvoiceDays = defaultInvoiceDays } = options.retention ?? {};
  const oldest = await journal.scan<StoredNodeEvent>(eventPrefix, undefined, rowsAtOnce);
  const old = oldest.filter(({ at }) => at < now() - eventDays * day).at(-1);
  const unpaid: Payment[] = [];
  for await (const { id } of journal.all<{ readonly id: string }>(openPrefix)) {
    const payment = await journal.run((transaction) => transaction.payment(id));
    const isOver =
      payment?.status === "pending" &&
      (payment.expiresAt ?? Number.POSITIVE_INFINITY) < now() - unpaidInvoiceDays * day;
    if (payment !== undefined && isOver && unpaid.length < rowsAtOnce) unpaid.push(payment);
  }
  await journal.run((transaction) => {
    if (old !== undefined) transaction.forgetEvents(old.index + 1);
    for (const payment of unpaid) transaction.forgetPayment(payment);
  });
}

/** Brings the graph up to date from a server, where the options name one. */
export async function syncRapidGossip({ options, graph, now, logger }: NodeParts): Promise<void> {
  const { gossip } = options;
  if (typeof gossip !== "object") return;
  const { tor } = options;
  const url = gossip.rapidGossipSync;
  const dial = tor && URL.canParse(url) && goesThrough(tor, { host: new URL(url).hostname }) && dialOf(tor);
  const synced = await syncFrom(url, graph, now() as UnixSeconds, dial ? { fetch: fetchThrough(dial) } : {});
  if (synced.ok) return;
  const text = `the graph was not brought up to date, and the server is asked again in an hour: ${synced.error.text}`;
  logger.log({ level: "warn", module: "gossip", text });
}

/** Tells the network of the node, once it has an announced channel. Says whether it did. */
export function announceNode({ options, manager, keys, gossip, background, now }: NodeParts): boolean {
  const { alias = "", announceAddresses = [] } = options;
  if (
    !manager
      .listChannels()
      .some(({ isAnnounced, shortChannelId }) => isAnnounced && shortChannelId !== undefined)
  )
    return false;
  const announcement = signNodeAnnouncement(keys, {
    features: Features.fromBytes(manager.providedInitFeatures()),
    timestamp: now() as UnixSeconds,
    rgbColor,
    alias: new TextEncoder().encode(alias),
    addresses: announceAddresses.map(socketAddress),
  });
  const told = gossip.announceOwn(announcement);
  background.wake();
  return told.ok;
}

function socketAddress(text: string): SocketAddress {
  const { host, port } = hostAndPort(text);
  if (isIP(host) === 4) return { type: "ipv4", host, port };
  if (isIP(host) === 6) return { type: "ipv6", host, port };
  return host.endsWith(".onion") ? { type: "tor-v3", host, port } : { type: "dns", host, port };
}
