import type { IndexedEvent } from "./event.ts";

/**
 * Where the user's events come from. They are stored until they are acknowledged and therefore come at least once:
 * handle them so that a second time does no harm.
 *
 * @ldk lightning::events::EventsProvider
 */
export interface EventsProvider {
  /** Events whose batch is durable and that were not acknowledged, by rising index, at most `limit`. */
  pendingEvents(limit: number): readonly IndexedEvent[];
  /** All events up to `index`, itself included, are dealt with and need not come again. */
  acknowledgeEvents(index: number): void;
}
