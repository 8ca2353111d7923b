import { InvariantError } from "./invariant.ts";

/** Bytes that must not show up in logs, JSON or errors. */
export class Secret {
  #bytes: Uint8Array | undefined;

  /** Takes ownership: the caller keeps no other reference. */
  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  /** The bytes themselves, not a copy; throws `InvariantError` after `wipe`. */
  expose(): Uint8Array {
    if (this.#bytes === undefined) throw new InvariantError("secret used after it was wiped");
    return this.#bytes;
  }

  /** Overwrites the bytes; the secret cannot be used any more. */
  wipe(): void {
    this.#bytes?.fill(0);
    this.#bytes = undefined;
  }

  toString(): string {
    return "[redacted]";
  }

  toJSON(): string {
    return "[redacted]";
  }
}
