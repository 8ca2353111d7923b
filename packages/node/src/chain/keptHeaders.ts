import { ChainSourceError } from "@fulmen/chain-sync";
import { headersKey } from "../journal/index.ts";
import type { NodeParts } from "../parts/index.ts";

/** Blocks after which what is stored is behind enough to be stored anew. */
const interval = 10;

/**
 * The headers that the chain source has checked, in the store: a start asks for those since then only. They are a hint, which
 * the source checks again: what is damaged is dropped, and what the store does not take is asked for again.
 */
export class KeptHeaders {
  readonly #parts: Pick<NodeParts, "store" | "source" | "logger">;
  /** Up to where they are stored. */
  #height: number | undefined;

  constructor(parts: Pick<NodeParts, "store" | "source" | "logger">) {
    this.#parts = parts;
  }

  /** Gives the source what it kept in an earlier run. */
  async recall(): Promise<void> {
    const { store, source } = this.#parts;
    if (source.recall === undefined) return;
    const kept = await store.read(headersKey);
    if (kept === undefined) return;
    try {
      this.#height = source.recall(kept);
    } catch (error) {
      if (!(error instanceof ChainSourceError)) throw error;
      this.#warn(`headers are asked for again: ${error.message}`);
    }
  }

  /** To be called after each sync. Never rejects. */
  async keep(height: number): Promise<void> {
    if (this.#height !== undefined && Math.abs(height - this.#height) < interval) return;
    const { store, source } = this.#parts;
    const value = source.keptHeaders?.();
    if (value === undefined) return;
    this.#height = height;
    try {
      await store.commit([{ key: headersKey, value }]);
    } catch (error) {
      this.#warn(`the chain's headers were not stored: ${error instanceof Error ? error.message : error}`);
    }
  }

  #warn(text: string): void {
    this.#parts.logger.log({ level: "warn", module: "chain", text });
  }
}
