import { isCancel, password } from "@clack/prompts";
import { CliError, exitCodes } from "../cliError.ts";

/** The passphrase of the seed's file: from the environment, or the user; where there is none, that is an error. */
export async function seedPassphrase(message = "The seed's passphrase"): Promise<string> {
  return process.env["FULMEN_SEED_PASSPHRASE"] ?? askPassphrase(message);
}

async function askPassphrase(message: string): Promise<string> {
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
