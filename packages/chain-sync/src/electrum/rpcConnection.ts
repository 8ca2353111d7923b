import { InvariantError, type Result } from "@fulmen/lightning/util";
import { ChainSourceError } from "../chainSourceError.ts";
import type { LineListener, LineStream } from "./lineStream.ts";
import { type RpcRefusal, readMessages, requestLine, type ServerMessage } from "./rpcMessage.ts";

/** What a connection does with a server at the most. Times are in milliseconds. */
export interface RpcLimits {
  /** Requests whose answers have not come yet; more wait for their turn. */
  readonly inFlight: number;
  /** How long a server that owes an answer may send nothing at all. */
  readonly silence: number;
  /** How long one answer may take, whatever else comes. */
  readonly answer: number;
  /** After so long without a request there is a ping. */
  readonly ping: number;
  /** Notifications in a minute; with more of them a server is left. */
  readonly notifications: number;
}

/** Who hears of a connection's fate. */
export interface RpcListener {
  notified(method: string, params: readonly unknown[]): void;
  /** It is over, and not because we closed it; called at most once. */
  lost(error: ChainSourceError): void;
}

interface Waiting {
  readonly method: string;
  readonly params: readonly unknown[];
  readonly resolve: (result: Result<unknown, RpcRefusal>) => void;
  readonly reject: (error: ChainSourceError) => void;
}

interface Asked extends Waiting {
  readonly at: number;
}

/**
 * Questions and answers over one connection. Many questions are under way at once and answered in any order; whatever
 * the server says that it should not ends the connection.
 */
export class RpcConnection implements LineListener {
  readonly #limits: RpcLimits;
  readonly #listener: RpcListener;
  #stream: LineStream | undefined;
  #end: ChainSourceError | undefined;
  /** By id, in the order in which they were asked. */
  readonly #asked = new Map<number, Asked>();
  #waiting: Waiting[] = [];
  #requests = 0;
  #flushIsDue = false;
  #lastAsked = performance.now();
  #lastHeard = performance.now();
  #minuteBegan = performance.now();
  #notifications = 0;
  #timer: ReturnType<typeof setInterval> | undefined;

  constructor(limits: RpcLimits, listener: RpcListener) {
    this.#limits = limits;
    this.#listener = listener;
  }

  /** Why it is over, once it is. */
  get end(): ChainSourceError | undefined {
    return this.#end;
  }

  /** Begins on a stream, whose listener this is. */
  begin(stream: LineStream): void {
    if (this.#end !== undefined) {
      stream.close();
      return;
    }
    this.#stream = stream;
    const { silence, answer, ping } = this.#limits;
    this.#timer = setInterval(() => this.#look(), Math.min(silence, answer, ping) / 4);
    this.#flush();
  }

  /** The server's answer. Rejects with a `ChainSourceError` when the connection ends before. */
  ask(method: string, params: readonly unknown[] = []): Promise<Result<unknown, RpcRefusal>> {
    if (this.#end !== undefined) return Promise.reject(this.#end);
    return new Promise((resolve, reject) => {
      this.#waiting.push({ method, params, resolve, reject });
      this.#flushSoon();
    });
  }

  /** Ends the connection; what waits for answers fails with `error`, and the listener is not told. */
  close(error: ChainSourceError): void {
    if (this.#end !== undefined) return;
    this.#end = error;
    clearInterval(this.#timer);
    this.#stream?.close();
    const waiting = [...this.#asked.values(), ...this.#waiting];
    this.#asked.clear();
    this.#waiting = [];
    for (const { reject } of waiting) reject(error);
  }

  heard(): void {
    this.#lastHeard = performance.now();
  }

  line(text: string): void {
    if (this.#end !== undefined) return;
    try {
      for (const message of readMessages(text)) this.#take(message);
    } catch (error) {
      if (!(error instanceof ChainSourceError)) throw error;
      this.lost(error);
    }
    this.#flushSoon();
  }

  lost(error: ChainSourceError): void {
    if (this.#end !== undefined) return;
    this.close(error);
    this.#listener.lost(error);
  }

  #take(message: ServerMessage): void {
    if (this.#end !== undefined) return;
    switch (message.kind) {
      case "answer": {
        const asked = this.#asked.get(message.id);
        if (asked === undefined) throw unasked(`answers ${message.id}, which nobody asked, or twice`);
        this.#asked.delete(message.id);
        asked.resolve(message.result);
        return;
      }
      case "notification":
        this.#countNotification();
        this.#listener.notified(message.method, message.params);
        return;
      case "complaint":
        throw unasked(`complains: ${message.message}`);
    }
  }

  #countNotification(): void {
    const now = performance.now();
    if (now - this.#minuteBegan > 60_000) {
      this.#minuteBegan = now;
      this.#notifications = 0;
    }
    this.#notifications++;
    if (this.#notifications > this.#limits.notifications)
      throw unasked(`sends more than ${this.#limits.notifications} notifications in a minute`);
  }

  /** All that is asked in one turn of the event loop leaves in one piece. */
  #flushSoon(): void {
    if (this.#flushIsDue || this.#waiting.length === 0) return;
    this.#flushIsDue = true;
    queueMicrotask(() => {
      this.#flushIsDue = false;
      this.#flush();
    });
  }

  #flush(): void {
    if (this.#stream === undefined || this.#end !== undefined) return;
    const count = this.#limits.inFlight - this.#asked.size;
    if (count <= 0 || this.#waiting.length === 0) return;
    const now = performance.now();
    // The time for which a server may be silent begins anew when it owes nothing.
    if (this.#asked.size === 0) this.#lastHeard = now;
    this.#lastAsked = now;
    const lines = this.#waiting.splice(0, count).map((waiting) => {
      const id = this.#requests++;
      this.#asked.set(id, { ...waiting, at: now });
      return requestLine(id, waiting.method, waiting.params);
    });
    this.#stream.send(lines);
  }

  #look(): void {
    const now = performance.now();
    const [oldest] = this.#asked.values();
    if (oldest === undefined) {
      // What it answers does not matter, and whether it does is seen here.
      if (now - this.#lastAsked >= this.#limits.ping) this.ask("server.ping").catch(ignoreLoss);
      return;
    }
    const isSilent = now - this.#lastHeard >= this.#limits.silence;
    if (!isSilent && now - oldest.at < this.#limits.answer) return;
    this.lost(
      new ChainSourceError(
        "unreachable",
        `the server does not answer ${oldest.method} in time`,
        "wait, or add a second server",
      ),
    );
  }
}

/** For requests whose answers nobody needs: the listener is told of a lost connection anyway. */
export function ignoreLoss(error: unknown): void {
  if (!(error instanceof ChainSourceError))
    throw new InvariantError("a request fails with a chain source's error");
}

function unasked(what: string): ChainSourceError {
  return new ChainSourceError("invalid-answer", `the server ${what}`, "use another server");
}
