import type { IndexChange, ScriptHash } from "../lookup/index.ts";
import { callMethod } from "./callMethod.ts";
import { tipOf } from "./headerMethods.ts";
import { grouped } from "./headerProof.ts";
import { type Json, parseJson } from "./json.ts";
import {
  answerText,
  errorText,
  notificationText,
  type RequestId,
  type RpcRequest,
  readMessage,
} from "./jsonRpc.ts";
import type { Caller, MethodContext } from "./method.ts";
import { commonProtocol } from "./protocolVersion.ts";
import { badRequest, errorCodes, RequestError } from "./requestError.ts";
import { scriptStatus } from "./scriptHashMethods.ts";

/** The way to a client. */
export interface ElectrumConnection {
  /** Sends text: whole lines. */
  send(text: string): void;
  /** The server is through with this client; what was sent before is still to arrive. */
  close(): void;
}

/** What a session has from its server. */
export interface SessionHost extends Omit<MethodContext, "caller"> {
  /** Looks for news, and tells them to all sessions. */
  update(): void;
  /** The session is over. */
  leave(session: ElectrumSession): void;
}

interface Answer {
  readonly id: RequestId;
  readonly text: string;
}

/** One client's conversation with an `ElectrumServer`. */
export class ElectrumSession {
  readonly #host: SessionHost;
  readonly #connection: ElectrumConnection;
  readonly #context: MethodContext;
  /** The beginning of a line whose end has not come yet. */
  #rest = "";
  #protocol: string | undefined;
  #wantsHeaders = false;
  /** With the status that the client knows. */
  readonly #subscriptions = new Map<ScriptHash, string | null>();
  #isOver = false;

  constructor(host: SessionHost, connection: ElectrumConnection) {
    this.#host = host;
    this.#connection = connection;
    this.#context = { ...host, caller: this.#asCaller() };
  }

  /** Takes any piece of what the client sends, and answers each line that it ends. */
  receive(text: string): void {
    const [first = "", ...others] = text.split("\n");
    const lines = [this.#rest + first, ...others];
    this.#rest = lines.pop() ?? "";
    for (const line of lines) this.#receiveLine(line);
    if (this.#rest.length > this.#host.limits.maxLineLength) this.#end();
    // A broadcast is news to all.
    if (lines.length > 0) this.#host.update();
  }

  /** To be called when the connection is gone. */
  disconnected(): void {
    this.#isOver = true;
    this.#rest = "";
    this.#subscriptions.clear();
    this.#host.leave(this);
  }

  /** Tells the client what it has subscribed to and does not know yet. */
  notify({ tipChanged, touched }: IndexChange): void {
    if (this.#isOver) return;
    if (tipChanged && this.#wantsHeaders) {
      this.#send(notificationText("blockchain.headers.subscribe", [tipOf(this.#host.chain)]));
    }
    for (const hash of touched) {
      const known = this.#subscriptions.get(hash);
      if (known === undefined) continue;
      const status = this.#statusIfShort(hash);
      // A history that has become too long ends the subscription, as with ElectrumX.
      if (status === undefined) this.#subscriptions.delete(hash);
      else this.#subscriptions.set(hash, status);
      if (status !== known) {
        this.#send(notificationText("blockchain.scripthash.subscribe", [hash, status ?? null]));
      }
    }
  }

  #statusIfShort(hash: ScriptHash): string | null | undefined {
    try {
      return scriptStatus(this.#host, hash);
    } catch (error) {
      if (error instanceof RequestError) return undefined;
      throw error;
    }
  }

  #receiveLine(line: string): void {
    if (this.#isOver) return;
    if (line.length <= this.#host.limits.maxLineLength) {
      this.#host.update();
      if (this.#answerLine(line)) return;
    }
    this.#end();
  }

  /** Whether the conversation goes on. */
  #answerLine(line: string): boolean {
    const { maxBatchSize } = this.#host.limits;
    const json = parseJson(line);
    if (json === undefined) return this.#refuse(errorCodes.parseError, "invalid JSON");
    if (isBatch(json)) {
      if (json.length === 0) return this.#refuse(errorCodes.invalidRequest, "batch is empty");
      if (json.length > maxBatchSize) {
        const message = `batch of more than ${grouped(maxBatchSize)} requests`;
        return this.#refuse(errorCodes.invalidRequest, message);
      }
      return this.#answerBatch(json);
    }
    const { answer, goesOn } = this.#answerTo(json);
    if (answer !== undefined) this.#send(this.#withinLimit(answer, answer.text.length));
    return goesOn;
  }

  #answerBatch(batch: readonly Json[]): boolean {
    const parts: string[] = [];
    let size = 0;
    let goesOn = true;
    for (const json of batch) {
      const outcome = this.#answerTo(json);
      goesOn &&= outcome.goesOn;
      if (outcome.answer === undefined) continue;
      size += outcome.answer.text.length + 2;
      parts.push(this.#withinLimit(outcome.answer, size));
    }
    if (parts.length > 0) this.#send(`[${parts.join(", ")}]`);
    return goesOn;
  }

  #answerTo(json: Json): { readonly answer?: Answer; readonly goesOn: boolean } {
    const message = readMessage(json);
    switch (message.kind) {
      case "ignored":
        return { goesOn: true };
      case "invalid":
        return {
          answer: { id: message.id, text: errorText(message.id, message.error) },
          goesOn: true,
        };
      case "request":
        return this.#call(message);
    }
  }

  #call({ id, method, params }: RpcRequest): { readonly answer: Answer; readonly goesOn: boolean } {
    try {
      if (this.#protocol === undefined && method !== "server.version")
        throw badRequest("use server.version to identify client", "ends-connection");
      const text = answerText(id, callMethod(this.#context, method, params));
      return { answer: { id, text }, goesOn: true };
    } catch (error) {
      if (!(error instanceof RequestError)) throw error;
      return { answer: { id, text: errorText(id, error) }, goesOn: !error.endsConnection };
    }
  }

  #withinLimit({ id, text }: Answer, size: number): string {
    const { maxAnswerLength } = this.#host.limits;
    if (size <= maxAnswerLength) return text;
    const message = `response too large (over ${grouped(maxAnswerLength)} bytes)`;
    return errorText(id, new RequestError(errorCodes.invalidRequest, message));
  }

  #refuse(code: number, message: string): true {
    this.#send(errorText(null, new RequestError(code, message)));
    return true;
  }

  #send(line: string): void {
    this.#connection.send(`${line}\n`);
  }

  #end(): void {
    if (this.#isOver) return;
    this.disconnected();
    this.#connection.close();
  }

  #asCaller(): Caller {
    const speaksNewest = (): boolean => this.#protocol === "1.6";
    return {
      get speaksNewest() {
        return speaksNewest();
      },
      negotiate: (offered) => {
        if (this.#protocol !== undefined) throw badRequest("server.version already sent");
        this.#protocol = commonProtocol(offered, this.#host.options.newestProtocol ?? "1.4.2");
        if (this.#protocol === undefined) {
          throw badRequest(
            `unsupported protocol version: ${JSON.stringify(offered).slice(0, 100)}`,
            "ends-connection",
          );
        }
        return this.#protocol;
      },
      subscribeToHeaders: () => {
        this.#wantsHeaders = true;
      },
      subscribe: (hash, status) => {
        const { maxSubscriptions } = this.#host.limits;
        if (!this.#subscriptions.has(hash) && this.#subscriptions.size >= maxSubscriptions) {
          throw new RequestError(
            errorCodes.excessiveResourceUsage,
            `more than ${grouped(maxSubscriptions)} subscriptions`,
          );
        }
        this.#subscriptions.set(hash, status);
      },
      unsubscribe: (hash) => this.#subscriptions.delete(hash),
    };
  }
}

function isBatch(json: Json): json is readonly Json[] {
  return Array.isArray(json);
}
