import type { Client } from "@fulmen/client";

type Answer<N extends Exclude<keyof Client, "events">> = Awaited<ReturnType<Client[N]>>;

/** Who the node is and how it is. */
export type Info = Answer<"info">;
/** All that the node has. */
export type Balances = Answer<"balances">;
/** A channel as its owner sees it. */
export type Channel = Answer<"channels">["channels"][number];
/** A payment, made or awaited. */
export type Payment = Answer<"payment">;
/** A peer. */
export type Peer = Answer<"peers">["peers"][number];
/** The part of the network that is near the node. */
export type Graph = Answer<"graph">;
/** Something that changed what an account has. */
export type LedgerEntry = Answer<"ledger">["entries"][number];
