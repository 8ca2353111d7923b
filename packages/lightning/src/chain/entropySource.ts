/** Where randomness comes from. @ldk lightning::sign::EntropySource */
export interface EntropySource {
  /** `length` bytes that nobody can predict, never the same twice. */
  randomBytes(length: number): Uint8Array;
}
