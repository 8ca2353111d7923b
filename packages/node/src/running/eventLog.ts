import type { EventQuery, StoredNodeEvent } from "../api/events.ts";
import { eventPrefix, type Journal, numbered } from "../journal/index.ts";

const pageLength = 100;

/**
 * Stored events behind `after`, then new ones as they become durable, until the journal is closed or `signal` aborts.
 */
export async function* readEvents(
  journal: Journal,
  { after = journal.head.nextEvent - 1, signal }: EventQuery,
): AsyncGenerator<StoredNodeEvent, void, void> {
  let last = Math.max(0, after);
  for (;;) {
    if (signal?.aborted || journal.isClosed) return;
    const news = nextNews(journal, signal);
    const page = await journal.scan<StoredNodeEvent>(eventPrefix, numbered(eventPrefix, last), pageLength);
    for (const event of page) {
      last = event.index;
      yield event;
      if (signal?.aborted) break;
    }
    if (page.length === 0 && !journal.isClosed) await news.come;
    news.end();
  }
}

/** Resolves when something new is durable, nobody waits any more, or the journal is closed. */
function nextNews(journal: Journal, signal: AbortSignal | undefined) {
  let end = (): void => undefined;
  const come = new Promise<void>((resolve) => {
    const stopListening = journal.onNews(() => resolve());
    const abort = (): void => resolve();
    signal?.addEventListener("abort", abort);
    end = () => {
      stopListening();
      signal?.removeEventListener("abort", abort);
      resolve();
    };
  });
  return { come, end: () => end() };
}
