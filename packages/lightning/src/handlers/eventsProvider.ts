import type { IndexedEvent } from "./event.ts";

/**
 * Where the user's events come from. They are stored until they are acknowledged and therefore come at least once:
 * handle them so that a second time does no harm. One that is not acknowledged can be read again as often as one likes,
 * also after a restart, and has its index forever; one that is acknowledged is gone.
 *
 * @ldk lightning::events::EventsProvider
 */
export interface EventsProvider {
  /**
   * Events whose batch is durable and that were not acknowledged, by rising index above `after` (0), at most `limit`.
   */
  pendingEvents(limit: number, after?: number): readonly IndexedEvent[];
  /** This event is dealt with and need not come again. Those before it may be acknowledged later, or never. */
  acknowledgeEvent(index: number): void;
  /** All events up to `index`, itself included, are dealt with and need not come again. */
  acknowledgeEvents(index: number): void;
}
