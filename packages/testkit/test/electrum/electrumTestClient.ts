import { fromHex, type Sat, toHex } from "@fulmen/bitcoin/primitives";
import { p2wpkh } from "@fulmen/bitcoin/script";
import { encodeTransaction, type Transaction, type TxOut } from "@fulmen/bitcoin/transaction";
import { feeratePerKw } from "@fulmen/lightning/util";
import type { SimulatedChain } from "@fulmen/testkit/chain";
import { ElectrumServer, type ElectrumServerOptions, type ElectrumSession } from "@fulmen/testkit/electrum";
import { createFundedChain, type Faucet, inputOf } from "@fulmen/testkit/wallet";

/** A line of the server's. */
export interface ServerLine {
  readonly jsonrpc: string;
  readonly id?: unknown;
  readonly method?: string;
  readonly params?: unknown;
  readonly result?: unknown;
  readonly error?: { readonly code: number; readonly message: string };
}

/** A client in the same process: what it hears stands in `lines` until it is taken. */
export class ElectrumTestClient {
  readonly session: ElectrumSession;
  isClosed = false;
  #lines: string[] = [];
  #requests = 0;

  /** Has said which protocol it speaks, unless told otherwise. */
  constructor(server: ElectrumServer, greeting: "greets" | "is silent" = "greets") {
    this.session = server.connect({
      send: (text) => this.#lines.push(...text.trimEnd().split("\n")),
      close: () => {
        this.isClosed = true;
      },
    });
    if (greeting === "greets") this.ask("server.version", "test", "1.4");
  }

  /** What came since the last call. */
  take(): readonly ServerLine[] {
    const lines = this.#lines.map((line) => JSON.parse(line) as ServerLine);
    this.#lines = [];
    return lines;
  }

  /** Answers to a line of the client's, and what else comes with them. */
  say(line: string): readonly ServerLine[] {
    this.session.receive(`${line}\n`);
    return this.take();
  }

  /** The answer to a request; throws when there is another one or none. */
  reply(method: string, params: unknown): ServerLine {
    const id = this.#requests++;
    this.session.receive(`${JSON.stringify({ jsonrpc: "2.0", id, method, params })}\n`);
    const [line, ...others] = this.#lines.map((each) => JSON.parse(each) as ServerLine);
    if (line === undefined || line.id !== id) throw new Error(`no answer to ${method}`);
    this.#lines = others.map((each) => JSON.stringify(each));
    return line;
  }

  /** What a method gives. */
  ask(method: string, ...params: readonly unknown[]): unknown {
    const { result, error } = this.reply(method, params);
    if (error !== undefined) throw new Error(`${method}: ${error.code} ${error.message}`);
    return result;
  }

  /** The error with which a method refuses. */
  refusal(method: string, ...params: readonly unknown[]): ServerLine["error"] {
    return this.reply(method, params).error;
  }
}

/** A chain with money, its server and a client. */
export interface ServedChain {
  readonly chain: SimulatedChain;
  readonly faucet: Faucet;
  readonly server: ElectrumServer;
  readonly client: ElectrumTestClient;
}

export function servedChain(options: ElectrumServerOptions = {}): ServedChain {
  const { chain, faucet } = createFundedChain();
  const server = new ElectrumServer(chain, options);
  return { chain, faucet, server, client: new ElectrumTestClient(server) };
}

/** A script that nobody else in these tests uses. */
export function scriptOf(byte: number): Uint8Array {
  return p2wpkh(new Uint8Array(20).fill(byte));
}

export function pay(value: bigint, script: Uint8Array): TxOut {
  return { value: value as Sat, script };
}

/** Puts a payment of the faucet's into the mempool. */
export function send({ chain, faucet }: ServedChain, ...outputs: readonly TxOut[]): Transaction {
  const transaction = faucet.fund(chain, outputs, feeratePerKw(253));
  if (!chain.submit(transaction).ok) throw new Error("the mempool refuses a payment");
  return transaction;
}

/** Spends an output of the faucet's that may be unconfirmed. */
export function spend(
  { faucet }: ServedChain,
  parent: { readonly txid: string; readonly transaction: Transaction },
  index: number,
  outputs: readonly TxOut[],
): Transaction {
  const output = parent.transaction.outputs[index];
  if (output === undefined) throw new Error("no such output");
  const input = inputOf({ txid: parent.txid as Parameters<typeof inputOf>[0]["txid"], index });
  return faucet.spend([{ input, output }], outputs);
}

export function hexOf(transaction: Transaction): string {
  return toHex(encodeTransaction(transaction));
}

export function bytesOf(hex: unknown): Uint8Array {
  return fromHex(String(hex));
}
