import { ClientError } from "@fulmen/client";
import type { NodeError } from "@fulmen/node";
import type { StoreError } from "@fulmen/persist";
import type { ServerError } from "@fulmen/server";
import { CliError, type ExitCode, exitCodes } from "../cliError.ts";

/** Whatever went wrong, as the process says it when it ends. */
export interface Ending {
  readonly exitCode: ExitCode;
  readonly code: string;
  readonly message: string;
  readonly remedy: string;
}

/** How the process ends after an error; `undefined` for what nobody expected. */
export function endingOf(error: unknown): Ending | undefined {
  if (error instanceof CliError) return error;
  if (isCalled<NodeError>(error, "NodeError"))
    return { ...partsOf(error), remedy: remedyOfNode(error), exitCode: exitOfNode(error) };
  if (isCalled<ServerError>(error, "ServerError"))
    return {
      ...partsOf(error),
      exitCode: error.code === "port-in-use" ? exitCodes.portInUse : exitCodes.config,
    };
  if (isCalled<StoreError>(error, "StoreError"))
    return {
      code: error.code,
      message: error.message,
      remedy: remedyOfStore(error),
      exitCode: error.code === "locked" ? exitCodes.secondInstance : exitCodes.store,
    };
  if (error instanceof ClientError) return { ...partsOf(error), exitCode: exitOfClient(error) };
  return isOfFile(error) ? endingOfFile(error) : undefined;
}

function isOfFile(error: unknown): error is NodeJS.ErrnoException {
  return error instanceof Error && "syscall" in error && /^E[A-Z0-9]+: /.test(error.message);
}

/** Of a file or folder that the system does not let be used: Node's text has the reason between the code and the call. */
function endingOfFile({ message, path = "A file" }: NodeJS.ErrnoException): Ending {
  const [, reason = message] = /^[A-Z0-9]+: (.*?), \w+/.exec(message) ?? [];
  return {
    code: "file-unusable",
    message: `${path} cannot be used: ${reason}.`,
    remedy: "See whether the path is right, who may write there, and whether the disk has room.",
    exitCode: exitCodes.failed,
  };
}

/** What to do, by a command where there is one for it. */
function remedyOfNode({ code, remedy }: NodeError): string {
  if (code !== "store-stale") return remedy;
  return remedy.replace(
    "restore from this file",
    "restore from this file: fulmen start --restore-from <file>",
  );
}

function remedyOfStore({ code }: StoreError): string {
  switch (code) {
    case "locked":
      return "Stop the other process: two nodes of one seed lose money.";
    case "not-empty":
      return "Name another place with --path, or another database or node; move what is old there out of the way.";
    case "unsupported-runtime":
      return "Install what is missing beside Fulmen, or choose another kind of store.";
    default:
      return "See to the store: space on the disk, permissions, the database's server.";
  }
}

/** Asked by name, so that commands that need no node do not load one. */
function isCalled<E extends Error>(error: unknown, name: E["name"]): error is E {
  return error instanceof Error && error.name === name;
}

function partsOf({ code, message, remedy }: { code: string; message: string; remedy: string }) {
  return { code, message, remedy };
}

function exitOfClient({ code, status }: ClientError): ExitCode {
  if (code === "unreachable" || code === "timeout" || code === "not-fulmen") return exitCodes.notRunning;
  return status === 401 || status === 403 ? exitCodes.token : exitCodes.failed;
}

function exitOfNode({ code, details }: NodeError): ExitCode {
  switch (code) {
    case "invalid-option":
      return exitCodes.config;
    case "invalid-address":
      return exitCodes.usage;
    case "invalid-seed":
      return exitCodes.seed;
    case "second-instance":
      return exitCodes.secondInstance;
    case "wrong-network":
      return exitCodes.wrongNetwork;
    case "wrong-seed":
    case "store-unusable":
    case "store-not-empty":
    case "store-stale":
    case "backup-unusable":
    case "backup-not-found":
      return exitCodes.store;
    case "port-in-use":
      return exitCodes.portInUse;
    case "chain-unavailable":
      return details["reason"] === "unauthorised" ? exitCodes.chainLogin : exitCodes.chainUnavailable;
    case "chain-pruned":
      return exitCodes.chainPruned;
    default:
      return exitCodes.failed;
  }
}
