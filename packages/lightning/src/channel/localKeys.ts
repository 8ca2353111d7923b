import type { Basepoints } from "../commitment/params.ts";
import type { Point } from "../util/bytes.ts";

/** Our keys of one channel, fetched from the signer before the channel steps for the first time. */
export interface LocalKeys {
  readonly channelKeysId: Uint8Array;
  readonly fundingKey: Point;
  readonly basepoints: Basepoints;
  /** Points of our commitments 0, 1 and 2. */
  readonly points: readonly [Point, Point, Point];
}
