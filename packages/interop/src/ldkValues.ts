import { APIError_APIMisuseError, APIError_ChannelUnavailable, LightningError } from "lightningdevkit";

/** The success class of one of the bindings' results; its `_OK` carries the value as `res`. */
interface OkClass<V> extends NewableFunction {
  readonly prototype: { readonly res: V };
}

/** The non-empty class of one of the bindings' options. */
interface SomeClass<V> extends NewableFunction {
  readonly prototype: { readonly some: V };
}

/** LDK refused a call; `what` was asked for. */
export class LdkError extends Error {
  override readonly name = "LdkError";
}

/**
 * The value of a successful `result`; throws `LdkError` otherwise. `is_ok()` neither narrows the type nor answers a
 * boolean (it is 0 or 1 at run time), so the class decides.
 */
export function okOf<V>(result: object, okClass: OkClass<V>, what: string): V {
  if (result instanceof okClass) return result.res;
  throw refusal(result, what);
}

/** As `okOf`, for results that carry nothing. */
export function assertOk(result: object, okClass: NewableFunction, what: string): void {
  if (!(result instanceof okClass)) throw refusal(result, what);
}

/** The value of an option, or `undefined`. */
export function someOf<V>(option: object, someClass: SomeClass<V>): V | undefined {
  return option instanceof someClass ? option.some : undefined;
}

/** `value`, or `undefined` for the bindings' null objects: wrappers of address 0, whose getters read garbage. */
export function present<V extends object>(value: V | null | undefined): V | undefined {
  if (value === null || value === undefined) return undefined;
  const address: unknown = Reflect.get(value, "ptr");
  return address === 0n ? undefined : value;
}

function refusal(result: object, what: string): LdkError {
  const reason: unknown = Reflect.get(result, "err");
  return new LdkError(`${what}: ${describe(reason, result)}`);
}

function describe(reason: unknown, result: object): string {
  if (reason instanceof APIError_APIMisuseError || reason instanceof APIError_ChannelUnavailable) {
    return reason.err;
  }
  if (reason instanceof LightningError) return reason.get_err();
  if (typeof reason === "object" && reason !== null) return reason.constructor.name;
  return `${result.constructor.name} ${String(reason ?? "")}`.trim();
}
