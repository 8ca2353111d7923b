import { isCancel, password } from "@clack/prompts";
import { CliError, exitCodes } from "../cliError.ts";

/** Asks in the terminal; refuses where there is none. */
export async function askPassphrase(message: string): Promise<string> {
  if (!process.stdin.isTTY)
    throw new CliError(
      "passphrase-missing",
      exitCodes.seed,
      "The seed is encrypted, and nobody is there to type its passphrase.",
      "Set FULMEN_SEED_PASSPHRASE.",
    );
  const typed = await password({ message });
  if (isCancel(typed) || typed === "")
    throw new CliError("passphrase-missing", exitCodes.seed, "No passphrase was typed.", "Try again.");
  return typed;
}
