import { CommanderError } from "commander";
import { exitCodes } from "./cliError.ts";
import { endingOf } from "./daemon/errors.ts";
import { sentence, shown } from "./output/terminal.ts";
import { makeProgram } from "./program.ts";

/* `fulmen`: every failure ends with what is wrong, what to do about it, and an exit code that scripts can tell apart. */

process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  // Whoever read our output has gone, as `head` does.
  if (error.code === "EPIPE") process.exit(exitCodes.ok);
});

try {
  await makeProgram().parseAsync();
} catch (error) {
  process.exitCode = end(error);
}

function end(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.ok : exitCodes.usage;
  const ending = endingOf(error);
  if (ending === undefined) {
    process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
    return exitCodes.failed;
  }
  const lines = [sentence(ending.message), sentence(ending.remedy), `(${ending.code})`];
  process.stderr.write(`${shown(lines.join("\n"))}\n`);
  return ending.exitCode;
}
