import { messageOf } from "@fulmen/lightning/util";
/** Methods by name. What they take and give is plain data, which a structured clone carries: bigints and bytes too. */
export type Methods<S> = { readonly [K in keyof S]: (...args: never[]) => unknown };

/** What a caller gets of a method. */
export type Answer<S extends Methods<S>, K extends keyof S> = Promise<Awaited<ReturnType<S[K]>>>;

/** What goes over the line between two of our processes. Both ends are of the same version. */
export type Frame =
  | { readonly kind: "call"; readonly id: number; readonly method: string; readonly args: readonly unknown[] }
  | { readonly kind: "answer"; readonly id: number; readonly value: unknown }
  | { readonly kind: "refusal"; readonly id: number; readonly message: string }
  /** Something that nobody has asked for. */
  | { readonly kind: "notice"; readonly value: unknown };

/** A method of the other process threw; the message is what it said. */
export class RemoteError extends Error {
  override readonly name = "RemoteError";
}

/** Carries out the calls of one line; they wait until the service is there. */
export function serve<S extends Methods<S>>(
  service: S | Promise<S>,
  send: (frame: Frame) => void,
): (frame: Frame) => void {
  return (frame) => {
    if (frame.kind !== "call") return;
    const { id, method, args } = frame;
    run(service, method, args).then(
      (value) => send({ kind: "answer", id, value }),
      (error: unknown) => {
        send({ kind: "refusal", id, message: messageOf(error) });
      },
    );
  };
}

async function run<S extends Methods<S>>(
  offered: S | Promise<S>,
  name: string,
  args: readonly unknown[],
): Promise<unknown> {
  const service = await offered;
  const method: unknown = Object.hasOwn(service, name) ? service[name as keyof S] : undefined;
  if (typeof method !== "function") throw new Error(`no method ${name}`);
  return Reflect.apply(method, service, args);
}

/** Calls the methods of a service at the other end of a line. */
export class Caller<S extends Methods<S>> {
  readonly #send: (frame: Frame) => void;
  readonly #waiting = new Map<
    number,
    { readonly resolve: (value: unknown) => void; readonly reject: (error: Error) => void }
  >();
  #lastId = 0;
  #end: Error | undefined;

  constructor(send: (frame: Frame) => void) {
    this.#send = send;
  }

  /** Rejects with `RemoteError` when the method throws, and with the reason of `ended` when the line is gone. */
  call<K extends keyof S & string>(method: K, ...args: Parameters<S[K]>): Answer<S, K> {
    const answer = new Promise<unknown>((resolve, reject) => {
      if (this.#end !== undefined) {
        reject(this.#end);
        return;
      }
      this.#lastId += 1;
      this.#waiting.set(this.#lastId, { resolve, reject });
      this.#send({ kind: "call", id: this.#lastId, method, args });
    });
    return answer as Answer<S, K>;
  }

  receive(frame: Frame): void {
    if (frame.kind !== "answer" && frame.kind !== "refusal") return;
    const waiting = this.#waiting.get(frame.id);
    this.#waiting.delete(frame.id);
    if (frame.kind === "answer") waiting?.resolve(frame.value);
    else waiting?.reject(new RemoteError(frame.message));
  }

  /** The line is gone: what is under way, and all later calls, fail for this reason. */
  ended(reason: Error): void {
    this.#end ??= reason;
    for (const { reject } of this.#waiting.values()) reject(this.#end);
    this.#waiting.clear();
  }
}
