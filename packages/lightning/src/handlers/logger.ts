import type { NodeId } from "../util/ids.ts";

/** A line of the log. `text` is printable: whatever a peer had a part in was escaped and cut. */
export interface LogRecord {
  readonly level: "debug" | "info" | "warn" | "error";
  /** The part of the kit that speaks: `peer`, `channel`, `gossip`... */
  readonly module: string;
  readonly text: string;
  readonly nodeId?: NodeId;
}

/** @ldk lightning::util::logger::Logger */
export interface Logger {
  log(record: LogRecord): void;
}
