import type { NodeApi } from "@fulmen/node";
import { RequestRefusal } from "../refusal.ts";
import { eventView } from "../views/eventViews.ts";

/** Between signs of life while nothing happens. */
const heartbeatMilliseconds = 15_000;
/** Open streams at once. */
const maxStreams = 64;

/** Of whom a stream is. */
interface StreamReader {
  /** It is gone. */
  readonly signal: AbortSignal;
  /** Asked before each event, and with each sign of life: a stream is not to outlive the token that it was opened with. */
  readonly mayGoOn: () => boolean;
}

/**
 * Streams of server-sent events. Each reads from the node only what its client has taken, so that a slow client costs no
 * memory; the first block says from where a client would go on that has seen nothing yet.
 */
export class EventStreams {
  readonly #node: NodeApi;
  #open = 0;

  constructor(node: NodeApi) {
    this.#node = node;
  }

  get open(): number {
    return this.#open;
  }

  /** Events behind `after`; those from now on when it is absent. */
  respond(after: number | undefined, { signal, mayGoOn }: StreamReader): Response {
    if (this.#open >= maxStreams)
      throw new RequestRefusal(
        "too-busy",
        `There are ${maxStreams} streams of events already.`,
        "Close some.",
        5,
      );
    const start = after ?? this.#node.lastEventIndex;
    this.#open += 1;
    const ended = new AbortController();
    let isOpen = true;
    const blocks = eventBlocks(this.#node, start, {
      signal: ended.signal,
      mayGoOn: () => {
        // The node's reader ends by the signal: it may be waiting for news.
        if (!mayGoOn()) ended.abort();
        return !ended.signal.aborted;
      },
    });
    const end = (): void => {
      if (!isOpen) return;
      isOpen = false;
      this.#open -= 1;
      ended.abort();
      // The node keeps a place for each reader until it says that it is done.
      blocks.return(undefined).catch(() => undefined);
    };
    signal.addEventListener("abort", end);
    const encoder = new TextEncoder();
    const body = new ReadableStream<Uint8Array>(
      {
        async pull(controller) {
          const { done, value } = await blocks.next();
          if (!done) return controller.enqueue(encoder.encode(value));
          end();
          controller.close();
        },
        cancel: end,
      },
      { highWaterMark: 1 },
    );
    return new Response(body, {
      headers: {
        "content-type": "text/event-stream",
        "cache-control": "no-store",
        // Proxies would gather events otherwise.
        "x-accel-buffering": "no",
      },
    });
  }
}

async function* eventBlocks(
  node: NodeApi,
  start: number,
  { signal, mayGoOn }: StreamReader,
): AsyncGenerator<string, undefined> {
  yield `id: ${start}\n: Fulmen\n\n`;
  const events = node.events({ after: start, signal })[Symbol.asyncIterator]();
  try {
    let next = events.next();
    while (!signal.aborted) {
      const outcome = await firstOf(next, signal);
      if (!mayGoOn()) return;
      if (outcome === "silence") {
        yield ": alive\n\n";
        continue;
      }
      if (outcome.done === true) return;
      const view = eventView(outcome.value);
      yield `id: ${view.index}\nevent: ${view.kind}\ndata: ${JSON.stringify(view)}\n\n`;
      next = events.next();
    }
  } finally {
    await events.return?.();
  }
}

async function firstOf<T>(next: Promise<IteratorResult<T>>, signal: AbortSignal) {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let wake = (): void => undefined;
  const silence = new Promise<"silence">((resolve) => {
    wake = () => resolve("silence");
    timer = setTimeout(wake, heartbeatMilliseconds);
    signal.addEventListener("abort", wake);
  });
  try {
    return await Promise.race([next, silence]);
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", wake);
  }
}
