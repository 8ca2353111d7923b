import type { OutputOf } from "@fulmen/api";
import { ClientError } from "./clientError.ts";
import type { Transport } from "./transport.ts";

/** An event of the node, with its index. */
export type ApiEvent = OutputOf<"events">;

/** From where events are wanted, and until when. */
export interface EventsOptions {
  /** Index of the last event that was dealt with. Default: only those from now on. */
  readonly after?: number;
  /** Ends the iteration without an error. */
  readonly signal?: AbortSignal;
  /** Told when the connection was lost and is looked for again. */
  readonly onReconnect?: (error: ClientError) => void;
}

/** Longer than the server's pauses between signs of life: then the connection is dead. */
const silenceMilliseconds = 45_000;
/** No event is longer. */
const maxEventCharacters = 1_000_000;

/**
 * Events, each once and in their order, whatever happens to the connection: after a loss it goes on behind the last
 * one that was handed out. Throws when the node refuses for good, as for a token that has expired.
 */
export async function* eventStream(transport: Transport, options: EventsOptions): AsyncGenerator<ApiEvent> {
  const { signal, onReconnect } = options;
  let last = options.after;
  let failures = 0;
  const isOver = (): boolean => signal?.aborted === true;
  while (!isOver()) {
    try {
      for await (const { id, data } of readBlocks(await connect(transport, last, signal), signal)) {
        failures = 0;
        if (id !== undefined) last = id;
        if (data !== undefined) yield eventOf(data);
      }
      throw new ClientError("unreachable", "The node ended the stream of events.", {
        remedy: "Nothing: it is asked for again.",
      });
    } catch (error) {
      if (isOver()) return;
      if (!(error instanceof ClientError) || !isTransient(error)) throw error;
      onReconnect?.(error);
      try {
        await transport.pause(transport.backOff(failures++), signal);
      } catch {
        return;
      }
    }
  }
}

function eventOf(data: string): ApiEvent {
  try {
    return JSON.parse(data);
  } catch (cause) {
    throw new ClientError("not-fulmen", "An event is not JSON.", {
      remedy: "Check what answers at this address.",
      cause,
    });
  }
}

function isTransient({ code, status }: ClientError): boolean {
  return code === "unreachable" || code === "timeout" || status === 429 || (status ?? 0) >= 500;
}

async function connect(
  transport: Transport,
  last: number | undefined,
  signal: AbortSignal | undefined,
): Promise<Response> {
  return transport.send({
    method: "GET",
    path: "/v1/events",
    headers: {
      accept: "text/event-stream",
      ...(last !== undefined && { "last-event-id": String(last) }),
    },
    isRepeatable: false,
    ...(signal !== undefined && { signal }),
  });
}

/** One block of server-sent events; without data it only says where we are. */
interface Block {
  readonly id?: number;
  readonly data?: string;
}

async function* readBlocks(response: Response, signal: AbortSignal | undefined): AsyncGenerator<Block> {
  const reader = response.body?.getReader();
  if (reader === undefined) return;
  const decoder = new TextDecoder();
  let text = "";
  try {
    while (true) {
      const chunk = await readOrFail(reader, signal);
      if (chunk === undefined) return;
      text += decoder.decode(chunk, { stream: true });
      const blocks = text.split("\n\n");
      text = blocks.pop() ?? "";
      if (text.length > maxEventCharacters)
        throw new ClientError("not-fulmen", "An event has more than a million characters.", {
          remedy: "Check what answers at this address.",
        });
      for (const block of blocks) yield parseBlock(block);
    }
  } finally {
    await reader.cancel().catch(() => undefined);
  }
}

/** The next bytes; `undefined` at the end. A connection that is silent for too long is lost. */
async function readOrFail(
  reader: ReadableStreamDefaultReader<Uint8Array>,
  signal: AbortSignal | undefined,
): Promise<Uint8Array | undefined> {
  const lost = (text: string, cause?: unknown): ClientError =>
    new ClientError("unreachable", text, { remedy: "Nothing: the node is asked again.", cause });
  let timer: ReturnType<typeof setTimeout> | undefined;
  let stop = (): void => undefined;
  const silence = new Promise<never>((_resolve, reject) => {
    stop = () => reject(lost("The iteration was ended."));
    timer = setTimeout(() => reject(lost("The stream of events is silent.")), silenceMilliseconds);
    signal?.addEventListener("abort", stop);
  });
  try {
    return (await Promise.race([reader.read(), silence])).value;
  } catch (error) {
    throw error instanceof ClientError ? error : lost("The stream of events broke off.", error);
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener("abort", stop);
  }
}

function parseBlock(block: string): Block {
  let id: number | undefined;
  const data: string[] = [];
  for (const line of block.split("\n")) {
    const [, field, value = ""] = /^([a-z]+): ?(.*)$/.exec(line) ?? [];
    if (field === "id" && /^[0-9]{1,15}$/.test(value)) id = Number(value);
    else if (field === "data") data.push(value);
  }
  return { ...(id !== undefined && { id }), ...(data.length > 0 && { data: data.join("\n") }) };
}
