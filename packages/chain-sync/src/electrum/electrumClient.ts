import { ChainSourceError } from "../chainSourceError.ts";
import { pause } from "./pause.ts";
import type { ServerAddress } from "./serverAddress.ts";
import { ElectrumSession, type SessionOptions } from "./session.ts";

export interface ElectrumClientOptions extends SessionOptions {
  /** At least one; tried in this order. */
  readonly servers: readonly ServerAddress[];
  /** Milliseconds until all servers are tried again after none could be used or kept; doubles each time. */
  readonly minDelay: number;
  readonly maxDelay: number;
  /** How long a server that told a lie is only the last resort, in milliseconds. */
  readonly distrust: number;
  /** The server may have news, or there is another server. */
  readonly changed: () => void;
}

/** A session that lasts as long, in milliseconds, ends the doubling of delays. */
const lastingSession = 60_000;

type State =
  | { readonly kind: "idle" }
  | { readonly kind: "connecting"; readonly session: Promise<ElectrumSession> }
  | { readonly kind: "connected"; readonly session: ElectrumSession }
  /** Until a timer says to try again, or somebody wants a session. */
  | { readonly kind: "waiting"; readonly since: number }
  | { readonly kind: "stopped" };

/** Keeps a session with one of several servers, and finds another when it is lost. */
export class ElectrumClient {
  readonly #options: ElectrumClientOptions;
  readonly #stopped = new AbortController();
  /** When a server may be trusted again, by the monotonic clock. */
  readonly #distrusted = new Map<ServerAddress, number>();
  #state: State = { kind: "idle" };
  /** The server that was lost last. */
  #lostAddress: ServerAddress | undefined;
  #connectedAt = 0;
  /** Times that none could be used, or that one was lost, since a session lasted. */
  #failures = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(options: ElectrumClientOptions) {
    this.#options = options;
  }

  /**
   * The first server that can be used. Rejects with a `ChainSourceError` when there is none, and may be called again.
   */
  async start(): Promise<ElectrumSession> {
    if (this.#state.kind !== "idle") return this.session();
    try {
      return await this.#connect();
    } catch (error) {
      clearTimeout(this.#timer);
      if (!this.#isStopped()) this.#state = { kind: "idle" };
      throw error;
    }
  }

  /**
   * The session that stands or is about to. Rejects with a `ChainSourceError` when no server can be used; all are tried
   * once more before, though never sooner than `minDelay` after the last time.
   */
  session(): Promise<ElectrumSession> {
    switch (this.#state.kind) {
      case "connected":
      case "connecting":
        return Promise.resolve(this.#state.session);
      case "waiting":
        return this.#connect(Math.max(0, this.#state.since + this.#options.minDelay - performance.now()));
      case "stopped":
        return Promise.reject(stopped());
      case "idle":
        return Promise.reject(notStarted());
    }
  }

  /** Whether there is another server that nothing is known against. */
  hasBetterThan({ address }: ElectrumSession): boolean {
    const now = performance.now();
    return this.#options.servers.some(
      (server) => server !== address && (this.#distrusted.get(server) ?? 0) <= now,
    );
  }

  /** The server of this session tells what cannot be: on to another one. */
  distrust(session: ElectrumSession, error: ChainSourceError): void {
    const until = performance.now() + this.#options.distrust;
    this.#distrusted.set(session.address, until);
    session.close(error);
    this.#lost(session);
  }

  /** Ends the session and everything that waits for one. */
  stop(): void {
    const state = this.#state;
    this.#state = { kind: "stopped" };
    clearTimeout(this.#timer);
    const error = stopped();
    this.#stopped.abort(error);
    if (state.kind === "connected") state.session.close(error);
  }

  #connect(delay = 0): Promise<ElectrumSession> {
    clearTimeout(this.#timer);
    const session = pause(delay, this.#stopped.signal).then(() => this.#firstThatWorks());
    this.#state = { kind: "connecting", session };
    return session;
  }

  async #firstThatWorks(): Promise<ElectrumSession> {
    const failures: ChainSourceError[] = [];
    if (this.#isStopped()) throw stopped();
    for (const address of this.#order()) {
      try {
        const session: ElectrumSession = await ElectrumSession.begin(address, this.#options, {
          signal: this.#stopped.signal,
          listener: { changed: this.#options.changed, lost: () => this.#lost(session) },
        });
        return this.#connected(session);
      } catch (error) {
        if (!(error instanceof ChainSourceError)) throw error;
        if (this.#isStopped()) throw stopped();
        failures.push(error);
      }
    }
    // What will not go away by itself is what the user should hear of.
    const error = failures.find(({ isTransient }) => !isTransient) ?? failures[0] ?? notStarted();
    this.#wait();
    throw error;
  }

  /** As the user names them; but the one that was just lost may be restarting, and those that lied are last. */
  #order(): readonly ServerAddress[] {
    const now = performance.now();
    const isDistrusted = (server: ServerAddress): boolean => (this.#distrusted.get(server) ?? 0) > now;
    const rankOf = (server: ServerAddress): number =>
      isDistrusted(server) ? 2 : server === this.#lostAddress ? 1 : 0;
    return [...this.#options.servers].sort((a, b) => rankOf(a) - rankOf(b));
  }

  #connected(session: ElectrumSession): ElectrumSession {
    if (this.#isStopped()) {
      session.close(stopped());
      throw stopped();
    }
    this.#connectedAt = performance.now();
    this.#state = { kind: "connected", session };
    this.#options.changed();
    return session;
  }

  #lost(session: ElectrumSession): void {
    if (this.#state.kind !== "connected" || this.#state.session !== session) return;
    this.#lostAddress = session.address;
    if (performance.now() - this.#connectedAt >= lastingSession) this.#failures = 0;
    // Who closes again and again is not asked again at once.
    if (this.#failures > 0) {
      this.#wait();
      return;
    }
    this.#failures = 1;
    this.#connect().catch(keepWaiting);
  }

  #wait(): void {
    const { minDelay, maxDelay } = this.#options;
    const delay = Math.min(maxDelay, minDelay * 2 ** this.#failures) * (0.75 + Math.random() / 4);
    this.#failures++;
    this.#state = { kind: "waiting", since: performance.now() };
    this.#timer = setTimeout(() => this.#connect().catch(keepWaiting), delay);
  }

  #isStopped(): boolean {
    return this.#state.kind === "stopped";
  }
}

/** Whoever wants a session hears of the failure; a timer tries again. */
function keepWaiting(error: unknown): void {
  if (!(error instanceof ChainSourceError)) throw error;
}

/** What everything fails with after `stop`. */
export function stopped(): ChainSourceError {
  return new ChainSourceError("stopped", "the Electrum source was stopped", "make a new one");
}

function notStarted(): ChainSourceError {
  return new ChainSourceError("stopped", "the Electrum source was not started", "call `start` first");
}
