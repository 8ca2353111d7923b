import type { NodeApi } from "@fulmen/node";
import { RequestRefusal } from "../refusal.ts";
import { eventView } from "../views/eventViews.ts";
import { textStream } from "./textStream.ts";

/** Between signs of life while nothing happens. */
const heartbeatMilliseconds = 15_000;
/** Open streams at once, of all and with one token: whoever may only read is not to shut out others. */
const maxStreams = 64;
const maxStreamsOfToken = 16;

/** Of whom a stream is. */
interface StreamReader {
  /** The id of the token. */
  readonly who: string;
  /** It is gone. */
  readonly signal: AbortSignal;
  /**
   * Asked before each event, and with each sign of life: a stream is not to outlive the token that it was opened with.
   */
  readonly mayGoOn: () => boolean;
  /** Hears why a stream failed. */
  readonly failed: (error: unknown) => void;
}

/**
 * Streams of server-sent events. Each reads from the node only what its client has taken, so that a slow client costs
 * no memory; the first block says from where a client would go on that has seen nothing yet.
 */
export class EventStreams {
  readonly #node: NodeApi;
  /** Who has each of the open streams. */
  readonly #readers = new Set<{ readonly who: string }>();

  constructor(node: NodeApi) {
    this.#node = node;
  }

  get open(): number {
    return this.#readers.size;
  }

  /** Events behind `after`; those from now on when it is absent. */
  respond(after: number | undefined, { who, signal, mayGoOn, failed }: StreamReader): Response {
    const ofToken = [...this.#readers].filter((reader) => reader.who === who).length;
    if (this.open >= maxStreams || ofToken >= maxStreamsOfToken)
      throw new RequestRefusal(
        "too-busy",
        `There are ${this.open} streams of events already, ${ofToken} of them with this token.`,
        `Close some: ${maxStreamsOfToken} are open at once with one token, and ${maxStreams} in all.`,
        5,
      );
    // An index that is still to come is of a store that is gone: its reader would hear nothing for long.
    const start = Math.min(after ?? Number.POSITIVE_INFINITY, this.#node.lastEventIndex);
    const reader = { who };
    this.#readers.add(reader);
    const ended = new AbortController();
    const blocks = eventBlocks(this.#node, start, {
      signal: ended.signal,
      mayGoOn: () => {
        // The node's reader ends by the signal: it may be waiting for news.
        if (!mayGoOn()) ended.abort();
        return !ended.signal.aborted;
      },
    });
    const end = (): void => {
      this.#readers.delete(reader);
      ended.abort();
      // The node keeps a place for each reader until it says that it is done.
      blocks.return(undefined).catch(() => undefined);
    };
    signal.addEventListener("abort", end);
    const body = textStream(blocks, { ended: end, failed });
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
  { signal, mayGoOn }: Pick<StreamReader, "signal" | "mayGoOn">,
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
