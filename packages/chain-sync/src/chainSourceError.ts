/** Why a chain source cannot do what it was asked for. */
export type ChainSourceErrorCode =
  /** Nobody answers, or too late. */
  | "unreachable"
  /** The password, cookie or token is not taken. */
  | "unauthorised"
  /** Its certificate is not the pinned one, or signed by nobody who is known. */
  | "untrusted"
  /** Its genesis block is that of another network. */
  | "wrong-network"
  /** It no longer has blocks that are needed. */
  | "pruned"
  /** It is far behind the chain itself. */
  | "not-synced"
  /** What it answers is not what the protocol says: a web page, for one. */
  | "invalid-answer"
  /** It tells of a chain that cannot be: no proof of work, a break in the chain, a block that is not its header's. */
  | "invalid-chain"
  /** It does not offer what is needed. */
  | "unsupported"
  /** `stop` was called. */
  | "stopped";

/** Failures that may go away by themselves. */
const transient: ReadonlySet<ChainSourceErrorCode> = new Set(["unreachable", "not-synced", "invalid-answer"]);

/** Why a chain source could not answer; `message` says what happened, `remedy` what the user can do. */
export class ChainSourceError extends Error {
  override readonly name: string = "ChainSourceError";
  readonly code: ChainSourceErrorCode;
  readonly remedy: string;

  constructor(code: ChainSourceErrorCode, message: string, remedy: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
    this.remedy = remedy;
  }

  /** Whether trying again later may help. */
  get isTransient(): boolean {
    return transient.has(this.code);
  }
}
