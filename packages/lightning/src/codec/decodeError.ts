/** Bytes that are not what they should be. Thrown inside decoders only, and caught at one place per border. */
export class DecodeError extends Error {
  override readonly name = "DecodeError";
  /** Where reading stopped, in bytes from the start. */
  readonly offset: number;
  /** The field that was being read, as a path (`open_channel.tlvs.1`), empty when none was. */
  readonly field: string;

  constructor(reason: string, offset = 0, field = "") {
    super(field === "" ? `${reason} at byte ${offset}` : `${field}: ${reason} at byte ${offset}`);
    this.offset = offset;
    this.field = field;
  }
}
