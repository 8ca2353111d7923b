import type { Connection } from "./connection.ts";

/** How many ticks a peer that is busy reading or writing may take to answer a ping. */
const maxPingTicks = 4;

/**
 * What a tick means for a connection; keeps its counts. A connection has one whole interval for the handshake, and
 * one for the answer to a ping; a longer one only while bytes move, as when a slow peer takes in the graph.
 * `waitsForUs` says that we do not read because of ourselves: the peer is not blamed for what we have not read.
 */
export function keepAlive(
  connection: Connection,
  waitsForUs: boolean,
): { readonly kind: "ping" | "nothing" } | { readonly kind: "close"; readonly reason: string } {
  const { progressed } = connection;
  connection.progressed = false;
  connection.ticks++;
  switch (connection.phase.kind) {
    case "handshake":
    case "awaits-init":
      if (connection.ticks > 1) return { kind: "close", reason: "handshake takes too long" };
      return { kind: "nothing" };
    case "open":
      if (connection.pingTicks === 0) {
        connection.pingTicks = 1;
        return { kind: "ping" };
      }
      if (waitsForUs) return { kind: "nothing" };
      if (!progressed || connection.pingTicks >= maxPingTicks) return { kind: "close", reason: "no pong" };
      connection.pingTicks++;
      return { kind: "nothing" };
    case "closing":
      return { kind: "nothing" };
  }
}
