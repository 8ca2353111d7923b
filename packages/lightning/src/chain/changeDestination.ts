/**
 * Says where swept funds go. The script must be the wallet's after a crash, too: what the wallet stores of having
 * handed it out belongs in the batch with the rows that were taken from the sweeper next, or in one before.
 *
 * @ldk lightning::sign::ChangeDestinationSourceSync
 */
export interface ChangeDestinationSource {
  /** An output script of the wallet's, a fresh one if it likes; `undefined` when there is none now. */
  changeDestinationScript(): Uint8Array | undefined;
}
