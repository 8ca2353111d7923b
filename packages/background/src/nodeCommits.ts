import type { KvWrite } from "@fulmen/lightning/chain";
import type { ChainMonitor, ChannelManager, OutputSweeper } from "@fulmen/lightning/manager";
import type { CommittableBatch } from "./batchCommitter.ts";

/** Whose rows are committed together. */
export interface CommittedParts {
  readonly manager: Pick<ChannelManager, "takeBatch" | "batchCommitted" | "processMonitorEvents">;
  /** `ChainMonitor`, unless the `Watch` keeps its records elsewhere. */
  readonly chainMonitor?: Pick<ChainMonitor, "takeWrites" | "committed">;
  readonly sweeper?: Pick<OutputSweeper, "takeWrites" | "committed">;
  readonly wallet?: { takeWrites(): readonly KvWrite[] };
}

/** Takes what happened to a node's parts, to be committed: one batch at a time, each before the next is taken. */
export class NodeCommits {
  readonly #parts: CommittedParts;
  /** Counts commits for the monitors; the manager counts its batches itself. */
  #count = 0;

  constructor(parts: CommittedParts) {
    this.#parts = parts;
  }

  /** All that has happened since the last one was taken; `undefined` when nothing has. */
  take(): CommittableBatch | undefined {
    const { manager, chainMonitor, sweeper, wallet } = this.#parts;
    manager.processMonitorEvents();
    const batch = manager.takeBatch();
    this.#count++;
    const commit = this.#count;
    const others = [
      ...(chainMonitor?.takeWrites(commit) ?? []),
      ...(sweeper?.takeWrites(commit) ?? []),
      ...(wallet?.takeWrites() ?? []),
    ];
    if (batch === undefined && others.length === 0) return undefined;
    return {
      writes: batch === undefined ? others : [...batch.writes, ...others],
      committed() {
        if (batch !== undefined) manager.batchCommitted(batch.sequence);
        chainMonitor?.committed(commit);
        sweeper?.committed(commit);
      },
    };
  }
}
