import { createCipheriv, createDecipheriv, randomBytes, scryptSync } from "node:crypto";
import { readFileSync, statSync, writeFileSync } from "node:fs";
import { CliError, exitCodes } from "../cliError.ts";

/* The seed's words, as they are or encrypted: `scrypt aes-256-gcm <salt> <nonce> <tag> <words>`, each in hex. */

const heading = "scrypt aes-256-gcm";
/** 64 MiB and about a fifth of a second for each guess of a passphrase. */
const scryptCost = { N: 2 ** 16, r: 8, p: 1, maxmem: 2 ** 27 };

/** Writes the words so that only the owner can read them. Never over a file that is there. */
export function writeSeed(path: string, words: string, passphrase: string | undefined): void {
  const text = passphrase === undefined ? words : encrypted(words, passphrase);
  writeFileSync(path, `${text}\n`, { mode: 0o600, flag: "wx", flush: true });
}

/** The words in a file. `passphrase` is asked for only where they are encrypted. */
export async function readSeed(path: string, passphrase: () => Promise<string>): Promise<string> {
  let text: string;
  try {
    const { mode } = statSync(path);
    if ((mode & 0o077) !== 0 && process.platform !== "win32")
      throw unusable(
        `${path} can be read by others (mode ${(mode & 0o777).toString(8)}).`,
        `Run: chmod 600 ${path}`,
      );
    text = readFileSync(path, "utf8").trim();
  } catch (error) {
    if (error instanceof CliError) throw error;
    throw unusable(
      `The seed in ${path} cannot be read.`,
      "Put the file back, or restore the node: fulmen init --restore.",
    );
  }
  return text.startsWith(heading) ? decrypted(text, await passphrase()) : text;
}

function encrypted(words: string, passphrase: string): string {
  const [salt, nonce] = [randomBytes(16), randomBytes(12)];
  const key = scryptSync(passphrase.normalize("NFKD"), salt, 32, scryptCost);
  const cipher = createCipheriv("aes-256-gcm", key, nonce);
  const body = Buffer.concat([cipher.update(words, "utf8"), cipher.final()]);
  return [heading, ...[salt, nonce, cipher.getAuthTag(), body].map((bytes) => bytes.toString("hex"))].join(
    " ",
  );
}

function decrypted(text: string, passphrase: string): string {
  const [salt, nonce, tag, body] = text
    .slice(heading.length + 1)
    .split(" ")
    .map((hex) => Buffer.from(hex, "hex"));
  if (salt === undefined || nonce === undefined || tag?.length !== 16 || body === undefined)
    throw unusable(
      "The encrypted seed is damaged.",
      "Restore the node from its words: fulmen init --restore.",
    );
  for (const key of keysOf(passphrase, salt)) {
    try {
      const decipher = createDecipheriv("aes-256-gcm", key, nonce);
      decipher.setAuthTag(tag);
      return Buffer.concat([decipher.update(body), decipher.final()]).toString("utf8");
    } catch {
      // The next one, if there is one.
    }
  }
  throw unusable(
    "This is not the seed's passphrase.",
    "Try again, or set FULMEN_SEED_PASSPHRASE to the right one.",
  );
}

/**
 * An "é" is one character from one keyboard and two from another: what looks the same is the same passphrase. Seeds
 * that were encrypted before that was so have the key of what was typed.
 */
function* keysOf(passphrase: string, salt: Uint8Array): Generator<Uint8Array, void> {
  const normal = passphrase.normalize("NFKD");
  yield scryptSync(normal, salt, 32, scryptCost);
  if (normal !== passphrase) yield scryptSync(passphrase, salt, 32, scryptCost);
}

function unusable(message: string, remedy: string): CliError {
  return new CliError("seed-unusable", exitCodes.seed, message, remedy);
}
