/** Bytes that are not what they should be. Thrown inside decoders only, and caught at one place per border. */
export class DecodeError extends Error {
  override readonly name: string = "DecodeError";
  /** What is wrong, without the place. */
  readonly reason: string;
  /** Where reading stopped, in bytes from the start. */
  readonly offset: number;
  /** The field that was being read, as a path (`open_channel.tlvs.1`), empty when none was. */
  readonly field: string;

  constructor(reason: string, offset = 0, field = "") {
    super(field === "" ? `${reason} at byte ${offset}` : `${field}: ${reason} at byte ${offset}`);
    this.reason = reason;
    this.offset = offset;
    this.field = field;
  }

  /** This error with `outer` in front of its path. */
  within(outer: string): DecodeError {
    return new DecodeError(this.reason, this.offset, this.field === "" ? outer : `${outer}.${this.field}`);
  }
}

/** What to throw on from inside the field `name`: decode errors learn their path, all else stays as it is. */
export function errorWithin(error: unknown, name: string): unknown {
  return error instanceof DecodeError ? error.within(name) : error;
}
