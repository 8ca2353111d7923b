import type { TestChain } from "../chain/index.ts";
import { ScriptIndex } from "../lookup/index.ts";
import { type ElectrumConnection, ElectrumSession, type SessionHost } from "./electrumSession.ts";
import type { ElectrumLimits, ElectrumServerOptions } from "./method.ts";

const defaultLimits: ElectrumLimits = {
  maxLineLength: 5_000_000,
  maxAnswerLength: 1_000_000,
  maxBatchSize: 1_000,
  maxSubscriptions: 50_000,
  maxHistory: 10_000,
};

/**
 * Serves a chain over the Electrum protocol, versions 1.4 to 1.4.2, as ElectrumX does: answers, errors, limits and
 * notifications. It opens no sockets; whoever does gives each connection to `connect`, and calls `update` when the
 * chain or its mempool may have changed.
 */
export class ElectrumServer {
  readonly #host: SessionHost;
  readonly #sessions = new Set<ElectrumSession>();

  constructor(chain: TestChain, options: ElectrumServerOptions = {}) {
    this.#host = {
      chain,
      options,
      limits: { ...defaultLimits, ...options.limits },
      index: new ScriptIndex(chain),
      update: () => this.update(),
      leave: (session) => this.#sessions.delete(session),
    };
  }

  /** Begins a conversation. */
  connect(connection: ElectrumConnection): ElectrumSession {
    const session = new ElectrumSession(this.#host, connection);
    this.#sessions.add(session);
    return session;
  }

  /** Tells clients what they have subscribed to, where it is news. Looks only, where nothing has happened. */
  update(): void {
    const change = this.#host.index.update();
    if (!change.tipChanged && change.touched.size === 0) return;
    for (const session of this.#sessions) session.notify(change);
  }
}
