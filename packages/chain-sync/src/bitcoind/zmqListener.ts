import { ChainSourceError } from "../chainSourceError.ts";

/** What of the package `zeromq` is used. */
interface Subscriber extends AsyncIterable<readonly Uint8Array[]> {
  connect(address: string): void;
  subscribe(...topics: string[]): void;
  close(): void;
}

/** Hears by ZMQ that there is something new. What it is, is asked for by RPC: messages may get lost. */
export class ZmqListener {
  readonly #subscribers: Subscriber[] = [];

  /** Calls `heard` for each block or transaction, with the topic. */
  async start(
    addresses: readonly (readonly [topic: "hashblock" | "rawtx", address: string | undefined])[],
    heard: (topic: "hashblock" | "rawtx") => void,
  ): Promise<void> {
    const wanted = addresses.filter(([, address]) => address !== undefined);
    if (wanted.length === 0) return;
    const { Subscriber } = await loadZmq();
    for (const [topic, address = ""] of wanted) {
      const subscriber: Subscriber = new Subscriber();
      subscriber.connect(address);
      subscriber.subscribe(topic);
      this.#subscribers.push(subscriber);
      void listen(subscriber, () => heard(topic));
    }
  }

  stop(): void {
    for (const subscriber of this.#subscribers.splice(0)) subscriber.close();
  }
}

async function listen(subscriber: Subscriber, heard: () => void): Promise<void> {
  try {
    for await (const _ of subscriber) heard();
  } catch {
    // It was closed; blocks are heard of by RPC in any case.
  }
}

/** Loaded only when it is asked for: it is native code. */
async function loadZmq(): Promise<{ readonly Subscriber: new () => Subscriber }> {
  try {
    return await import("zeromq");
  } catch (error) {
    throw new ChainSourceError(
      "unsupported",
      "the package zeromq, which ZMQ needs, cannot be loaded",
      "npm install zeromq, or leave zmq out: blocks are heard of without it",
      error,
    );
  }
}
