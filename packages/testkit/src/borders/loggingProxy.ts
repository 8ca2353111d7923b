import { plainCopy } from "./plainData.ts";

/** One call across a border, or one property that was read. */
export interface BorderCall {
  /** Who calls whom. */
  readonly edge: string;
  readonly name: string;
  /** As the other side got them. */
  readonly args: readonly unknown[];
  /** As the caller got it; of a promise, what it was fulfilled with; absent when the call threw. */
  readonly result?: unknown;
}

export interface LoggingProxyOptions {
  /** Names the border in the log. */
  readonly edge: string;
  readonly log: (call: BorderCall) => void;
  /** Methods that give another interface instead of data, and what stands between the caller and that one. */
  readonly interfaces?: Readonly<Record<string, (given: object) => object>>;
}

/**
 * `target` behind a border: what goes in and what comes out is written out and read again, as if the two sides were
 * processes, and noted. Throws `NotPlainError` when something could not cross a wire.
 */
export function loggingProxy<T extends object>(target: T, options: LoggingProxyOptions): T {
  const { edge, log, interfaces = {} } = options;
  const call = (name: string, method: Callable, given: readonly unknown[]): unknown => {
    const args = given.map((arg, index) => plainCopy(arg, `argument ${index} of ${edge}: ${name}`));
    let result: unknown;
    try {
      result = Reflect.apply(method, target, args);
    } catch (error) {
      log({ edge, name, args });
      throw error;
    }
    const pass = (value: unknown): unknown => {
      const copy = plainCopy(value, `result of ${edge}: ${name}`);
      log({ edge, name, args, result: copy });
      return copy;
    };
    const between = interfaces[name];
    if (between !== undefined && typeof result === "object" && result !== null) {
      log({ edge, name, args });
      return between(result);
    }
    return result instanceof Promise ? result.then(pass) : pass(result);
  };
  return new Proxy(target, {
    get(_, key) {
      const value: unknown = Reflect.get(target, key, target);
      const name = String(key);
      if (isCallable(value)) return (...args: readonly unknown[]) => call(name, value, args);
      const copy = plainCopy(value, `${edge}: ${name}`);
      log({ edge, name, args: [], result: copy });
      return copy;
    },
  });
}

type Callable = (...args: readonly unknown[]) => unknown;

function isCallable(value: unknown): value is Callable {
  return typeof value === "function";
}
