/** Bytes or text that are no valid transaction, script, signature, block or address. */
export class BitcoinDecodeError extends Error {
  override readonly name = "BitcoinDecodeError";
  /** Where reading stopped, in bytes (or characters, for addresses) from the start. */
  readonly offset: number;

  constructor(reason: string, offset = 0) {
    super(`${reason} at byte ${offset}`);
    this.offset = offset;
  }
}
