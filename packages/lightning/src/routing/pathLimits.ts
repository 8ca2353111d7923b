/** What a path must keep to, in millisatoshis and blocks. */
export interface PathLimits {
  /** What is to reach the payee. */
  readonly value: number;
  /** Ways that carry less, but at least so much, are taken for what they carry. */
  readonly leastValue: number;
  readonly maxFee: number;
  /** Of the path, the payee's own apart. */
  readonly maxCltvExpiryDelta: number;
  /** Most channels, a blinded tail apart. */
  readonly maxPathLength: number;
}

/** What a search makes least: fees, and these; msat. */
export interface PathWeights {
  readonly perBlock: number;
  readonly perHop: number;
  /** Of the scorer's penalties, how much. */
  readonly penalties: number;
}
