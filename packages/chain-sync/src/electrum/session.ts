import { blockHash } from "@fulmen/bitcoin/block";
import { type Network, networkOfGenesis } from "@fulmen/bitcoin/network";
import type { Result } from "@fulmen/lightning/util";
import { ChainSourceError } from "../chainSourceError.ts";
import { hasWorkAt } from "../headers/index.ts";
import { HistoryTooLong } from "../transactions/index.ts";
import { type HeaderAtHeight, readHeader, readTip } from "./answers.ts";
import type { OpenLineStream } from "./lineStream.ts";
import { ignoreLoss, RpcConnection, type RpcLimits } from "./rpcConnection.ts";
import { isOverload, type RpcRefusal } from "./rpcMessage.ts";
import type { ScriptHash } from "./scriptHash.ts";
import type { ServerAddress } from "./serverAddress.ts";
import { Subscriptions } from "./subscriptions.ts";

/** How sessions are begun. */
export interface SessionOptions {
  readonly network: Network;
  readonly open: OpenLineStream;
  readonly limits: RpcLimits;
  readonly maxLineLength: number;
  /** Milliseconds for the connection and the first words together. */
  readonly connectTimeout: number;
  /** After so many milliseconds a script's status is asked for again though the server told of none. */
  readonly recheckInterval: number;
}

/** Who hears of a session. */
export interface SessionListener {
  /** The tip or the status of a script is another one. */
  changed(): void;
  /** It is over, and not because we closed it; called at most once. */
  lost(error: ChainSourceError): void;
}

/** The oldest and the newest protocol that we speak. */
const protocols = ["1.4", "1.6"] as const;

/**
 * One connection to one server of our network, from the first words on. Its subscriptions end with it, so that what it
 * says the tip and statuses are is always what this server has told on this connection.
 */
export class ElectrumSession {
  readonly address: ServerAddress;
  readonly #network: Network;
  readonly #listener: SessionListener;
  readonly #connection: RpcConnection;
  readonly #subscriptions: Subscriptions;
  #tip: HeaderAtHeight | undefined;
  /** How often the server told of a tip by itself. */
  #tipsTold = 0;
  #protocol = protocols[0] as string;

  private constructor(address: ServerAddress, options: SessionOptions, listener: SessionListener) {
    this.address = address;
    this.#network = options.network;
    this.#listener = listener;
    this.#subscriptions = new Subscriptions(
      (hash) => this.demand("blockchain.scripthash.subscribe", [hash]),
      options.recheckInterval,
    );
    this.#connection = new RpcConnection(options.limits, {
      notified: (method, params) => this.#notified(method, params),
      lost: (error) => listener.lost(error),
    });
  }

  /** Connects and makes sure who is there; rejects with a `ChainSourceError`. */
  static async begin(
    address: ServerAddress,
    options: SessionOptions,
    { listener, signal }: { readonly listener: SessionListener; readonly signal: AbortSignal },
  ): Promise<ElectrumSession> {
    let isBegun = false;
    const session = new ElectrumSession(address, options, {
      changed: () => isBegun && listener.changed(),
      lost: (error) => isBegun && listener.lost(error),
    });
    const deadline = new AbortController();
    const giveUp = (): void => deadline.abort(signal.aborted ? signal.reason : tooLate(address));
    signal.addEventListener("abort", giveUp);
    const timer = setTimeout(giveUp, options.connectTimeout);
    deadline.signal.addEventListener("abort", () => session.close(deadline.signal.reason));
    try {
      if (signal.aborted) throw signal.reason;
      const request = {
        address,
        listener: session.#connection,
        maxLineLength: options.maxLineLength,
        signal: deadline.signal,
      };
      // What comes too late is closed again.
      const opening = options.open(request).then((stream) => session.#connection.begin(stream));
      // Whoever dials for us may not listen to the signal.
      await Promise.race([opening, rejectedBy(deadline.signal)]);
      await session.#greet();
      const { end } = session.#connection;
      if (end !== undefined) throw end;
      isBegun = true;
      return session;
    } catch (error) {
      const failure = error instanceof ChainSourceError ? error : tooLate(address, error);
      session.close(failure);
      throw failure;
    } finally {
      clearTimeout(timer);
      signal.removeEventListener("abort", giveUp);
    }
  }

  /** The last block that the server told of. Its proof of work is there; what is below it has not been looked at. */
  get tip(): HeaderAtHeight {
    if (this.#tip === undefined) throw tooLate(this.address);
    return this.#tip;
  }

  /** Such as `1.4.2`. */
  get protocol(): string {
    return this.#protocol;
  }

  /** The server's answer or refusal. Rejects with a `ChainSourceError` when the session ends before. */
  ask(method: string, params: readonly unknown[] = []): Promise<Result<unknown, RpcRefusal>> {
    return this.#connection.ask(method, params);
  }

  /** What it answers; rejects with a `ChainSourceError` when it refuses. */
  async demand(method: string, params: readonly unknown[] = []): Promise<unknown> {
    const answer = await this.ask(method, params);
    if (answer.ok) return answer.value;
    throw refused(this.address, method, answer.error);
  }

  /** The status of a script's history, from now on always the latest one; `asked` for even though it is known. */
  statusOf(hash: ScriptHash, wanted: "known" | "asked" = "known"): Promise<string | null> {
    return this.#subscriptions.statusOf(hash, wanted);
  }

  /** The status of a script is no longer wanted. */
  forget(hash: ScriptHash): void {
    if (!this.#subscriptions.forget(hash)) return;
    // Servers before 1.4.2 do not know it: they go on telling of what nobody asks for any more.
    this.ask("blockchain.scripthash.unsubscribe", [hash]).catch(ignoreLoss);
  }

  /** Asks for the tip again. All that the server told before it answered is known by then. */
  async refresh(): Promise<void> {
    const told = this.#tipsTold;
    const tip = this.#checkedTip(await this.demand("blockchain.headers.subscribe"));
    // A notification may come in the same piece as the answer, and is newer.
    if (this.#tipsTold === told) this.#tip = tip;
  }

  /** Ends it; what is under way fails with `error`, and the listener is not told. */
  close(error: ChainSourceError): void {
    this.#connection.close(error);
  }

  async #greet(): Promise<void> {
    const version = await this.ask("server.version", ["fulmen", protocols]);
    if (!version.ok && isOverload(version.error))
      throw refused(this.address, "server.version", version.error);
    this.#protocol = this.#readVersion(version);
    const [genesis, tip] = await Promise.all([
      this.demand("blockchain.block.header", [0]),
      this.demand("blockchain.headers.subscribe"),
    ]);
    this.#checkNetwork(blockHash(readHeader(genesis)));
    this.#tip ??= this.#checkedTip(tip);
  }

  #readVersion(answer: Result<unknown, RpcRefusal>): string {
    const version: unknown = answer.ok && Array.isArray(answer.value) ? answer.value[1] : undefined;
    if (typeof version === "string" && /^1\.[456](?:\.\d{1,3})?$/.test(version)) return version;
    throw new ChainSourceError(
      "unsupported",
      `${this.address.name} does not speak the Electrum protocol ${protocols[0]} to ${protocols[1]}`,
      "use another server, or a newer version of it",
    );
  }

  #checkNetwork(genesis: string): void {
    const { name, genesisHash } = this.#network;
    if (genesis === genesisHash) return;
    const other = networkOfGenesis(genesis as typeof genesisHash)?.name ?? "another network";
    throw new ChainSourceError(
      "wrong-network",
      `${this.address.name} is a server of ${other}, not of ${name}`,
      `use a server of ${name}, or set the network to ${other}`,
    );
  }

  #notified(method: string, params: readonly unknown[]): void {
    if (method === "blockchain.headers.subscribe") {
      this.#tip = this.#checkedTip(params[0]);
      this.#tipsTold++;
      this.#listener.changed();
    } else if (method === "blockchain.scripthash.subscribe") {
      if (this.#subscriptions.notified(params[0], params[1])) this.#listener.changed();
    }
  }

  #checkedTip(json: unknown): HeaderAtHeight {
    const tip = readTip(json);
    if (hasWorkAt(tip.header, tip.height, this.#network)) return tip;
    throw new ChainSourceError(
      "invalid-chain",
      `${this.address.name} tells of a block without proof of work`,
      "use another server",
    );
  }
}

/** What a server's refusal means where an answer is needed. */
export function refused(
  address: ServerAddress,
  method: string,
  { code, message }: RpcRefusal,
): ChainSourceError {
  const text = `${address.name} refuses ${method}: ${message}`;
  return code === historyTooLong || /history too large|too many history/i.test(message)
    ? new HistoryTooLong(text, [])
    : new ChainSourceError("invalid-answer", text, "try again, or use another server");
}

/** The code that ElectrumX has for it. */
const historyTooLong = 10_001;

/** Rejects when the signal is aborted, with its reason. */
function rejectedBy(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    if (signal.aborted) reject(signal.reason);
    signal.addEventListener("abort", () => reject(signal.reason));
  });
}

function tooLate(address: ServerAddress, cause?: unknown): ChainSourceError {
  return new ChainSourceError(
    "unreachable",
    `${address.name} does not answer in time`,
    "check the address and the network, or add a second server",
    cause,
  );
}
