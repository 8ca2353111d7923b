import { headerMethods } from "./headerMethods.ts";
import { isJsonObject, type Json } from "./json.ts";
import type { Method, MethodContext } from "./method.ts";
import { errorCodes, RequestError } from "./requestError.ts";
import { scriptHashMethods } from "./scriptHashMethods.ts";
import { serverMethods } from "./serverMethods.ts";
import { transactionMethods } from "./transactionMethods.ts";

const methods: ReadonlyMap<string, Method> = new Map(
  Object.entries({ ...serverMethods, ...headerMethods, ...scriptHashMethods, ...transactionMethods }),
);

/** Answers a request, or throws `RequestError`. */
export function callMethod(context: MethodContext, name: string, params: Json): Json {
  const method = methods.get(name);
  const { speaksNewest } = context.caller;
  if (method === undefined || (speaksNewest ? method.until : method.since) !== undefined) {
    throw new RequestError(errorCodes.methodNotFound, `unknown method "${name.slice(0, 100)}"`);
  }
  return method.call(context, argumentsOf(method, name, params));
}

/** In the order of the method's parameters, given in it or by their names. */
function argumentsOf(method: Method, name: string, params: Json): readonly (Json | undefined)[] {
  if (isJsonObject(params)) return namedArguments(method, name, params);
  if (!isList(params)) throw invalidArguments("arguments must be a list or a dictionary");
  const { parameters, required, takesMore = false } = method;
  const given = `${params.length} argument${params.length === 1 ? "" : "s"} passed to method "${name}"`;
  if (params.length < required) throw invalidArguments(`${given} but it requires ${required}`);
  if (params.length > parameters.length && !takesMore)
    throw invalidArguments(`${given} taking at most ${parameters.length}`);
  return params;
}

function namedArguments(
  { parameters, required, takesMore = false }: Method,
  name: string,
  params: { readonly [key: string]: Json },
): readonly (Json | undefined)[] {
  const missing = parameters.slice(0, required).filter((key) => !Object.hasOwn(params, key));
  if (missing.length > 0) {
    throw invalidArguments(`method "${name}" requires parameter${plural(missing)} ${quoted(missing)}`);
  }
  const excess = Object.keys(params).filter((key) => !parameters.includes(key));
  if (excess.length > 0 && !takesMore) {
    throw invalidArguments(`method "${name}" does not take parameter${plural(excess)} ${quoted(excess)}`);
  }
  return parameters.map((key) => (Object.hasOwn(params, key) ? params[key] : undefined));
}

function isList(params: Json): params is readonly Json[] {
  return Array.isArray(params);
}

function plural(names: readonly string[]): string {
  return names.length === 1 ? "" : "s";
}

function quoted(names: readonly string[]): string {
  return names
    .slice(0, 5)
    .map((name) => `"${name.slice(0, 50)}"`)
    .sort()
    .join(", ");
}

function invalidArguments(message: string): RequestError {
  return new RequestError(errorCodes.invalidArguments, message);
}
