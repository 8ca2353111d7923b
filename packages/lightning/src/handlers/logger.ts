import type { NodeId } from "../util/ids.ts";
import { printable } from "../util/text.ts";

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

/** Longest `text` of a line. */
const longestLine = 2_000;

/**
 * `logger` as the kit speaks to it: whatever peers, stores or servers had a part in is one printable line, even where
 * nobody thought of it.
 */
export function withPrintableText(logger: Logger): Logger {
  return { log: (record) => logger.log({ ...record, text: printable(record.text, longestLine) }) };
}
