import { readFileSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, resolve } from "node:path";
import { CliError, exitCodes, misfit } from "../cliError.ts";
import { withoutComments } from "./jsonWithComments.ts";
import { environmentName, type Setting, settings } from "./settings.ts";
import { suggestion } from "./suggestion.ts";

/** Values by the settings' names, checked. */
export type ConfigValues = ReadonlyMap<string, string | number | boolean | readonly string[]>;

/** Variables that are no settings. */
const otherVariables = ["FULMEN_DATA_DIR", "FULMEN_TOKEN", "FULMEN_URL", "FULMEN_SEED_PASSPHRASE"];

/**
 * The settings in a file and in the environment, which counts more. Paths are full ones: relative to the file, wherever
 * the process was started. Throws `CliError` that names what is wrong.
 */
export function readConfig(
  path: string,
  environment: Readonly<Record<string, string | undefined>>,
): ConfigValues {
  const values = new Map<string, string | number | boolean | readonly string[]>();
  for (const [name, value] of valuesIn(parsed(path), path)) {
    const setting = settings.find((one) => one.name === name);
    if (setting === undefined) throw unknownKey(name, path, [...settings.map((one) => one.name), ...groups]);
    values.set(name, checked(setting, value, `${path}: ${name}`));
  }
  for (const [variable, text] of Object.entries(environment)) {
    if (!variable.startsWith("FULMEN_") || otherVariables.includes(variable) || text === undefined) continue;
    const setting = settings.find(({ name }) => environmentName(name) === variable);
    if (setting === undefined) {
      const names = [...settings.map(({ name }) => environmentName(name)), ...otherVariables];
      throw unknownKey(variable, "the environment", names);
    }
    values.set(setting.name, checked(setting, fromText(setting, text), variable));
  }
  for (const { name, isPath = false } of settings) {
    const value = values.get(name);
    if (!isPath || value === undefined) continue;
    const full = (text: string): string => resolve(dirname(path), text.replace(/^~(?=\/)/, homedir()));
    values.set(name, typeof value === "object" ? value.map(full) : full(String(value)));
  }
  return values;
}

function parsed(path: string): unknown {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    const isMissing = error instanceof Error && "code" in error && error.code === "ENOENT";
    throw new CliError(
      "config-missing",
      exitCodes.config,
      isMissing ? `There is no ${path}.` : `${path} cannot be read: ${textOf(error)}.`,
      isMissing
        ? "Make a node with `fulmen init`, or name its folder with --data-dir."
        : "Give the file back to the user that runs the node.",
    );
  }
  try {
    return JSON.parse(withoutComments(text));
  } catch (error) {
    throw misfit(
      `${path} is not JSON: ${textOf(error)}.`,
      "Mend it where the message says; comments begin with //.",
    );
  }
}

/** Names that stand for several settings: `api` and `api.tls` of `api.tls.key`. */
const groups: ReadonlySet<string> = new Set(
  settings.flatMap(({ name }) => [...name.matchAll(/\./g)].map(({ index }) => name.slice(0, index))),
);

/** Leaves of an object with their names, dots between the levels. */
function valuesIn(value: unknown, path: string): readonly (readonly [string, unknown])[] {
  if (!isRecord(value)) throw misfit(`${path} is not a JSON object.`, 'Begin with {"network": "signet"}.');
  const walk = (object: Readonly<Record<string, unknown>>, prefix: string): (readonly [string, unknown])[] =>
    Object.entries(object).flatMap(([key, inner]) => {
      const name = prefix + key;
      if (!groups.has(name)) return [[name, inner] as const];
      if (isRecord(inner)) return walk(inner, `${name}.`);
      throw misfit(`${path}: ${name} is not an object.`, `Write "${key}": { ... }; see docs/daemon.md.`);
    });
  return walk(value, "");
}

function unknownKey(name: string, where: string, known: readonly string[]): CliError {
  const meant = suggestion(name, known);
  return new CliError(
    "unknown-setting",
    exitCodes.config,
    `${where}: ${name.slice(0, 80)} is no setting.`,
    meant === undefined ? "See docs/daemon.md for what there is." : `Did you mean ${meant}?`,
  );
}

function fromText({ value }: Setting, text: string): unknown {
  switch (value.kind) {
    case "text":
    case "choice":
      return text;
    case "integer":
      return /^[0-9]{1,12}$/.test(text) ? Number(text) : text;
    case "flag":
      return text === "true" ? true : text === "false" ? false : text;
    case "list":
      return text === "" ? [] : text.split(",").map((item) => item.trim());
  }
}

function checked(
  { value }: Setting,
  given: unknown,
  where: string,
): string | number | boolean | readonly string[] {
  // What is wrong with a password may be shown to others.
  const shown = isSecret(where) ? "not right" : JSON.stringify(given)?.slice(0, 80);
  const wrong = (wanted: string): CliError =>
    misfit(`${where} is ${shown}; it has to be ${wanted}.`, "Correct the value.");
  switch (value.kind) {
    case "text":
      if (typeof given === "string" && given !== "" && given.length <= 4096) return given;
      throw wrong("a text");
    case "choice": {
      if (typeof given === "string" && value.choices.includes(given)) return given;
      const meant = typeof given === "string" ? suggestion(given, value.choices) : undefined;
      throw wrong(
        `one of ${value.choices.join(", ")}${meant === undefined ? "" : `: did you mean ${meant}?`}`,
      );
    }
    case "integer":
      if (typeof given === "number" && Number.isInteger(given) && given >= value.least && given <= value.most)
        return given;
      throw wrong(`a whole number from ${value.least} to ${value.most}`);
    case "flag":
      if (typeof given === "boolean") return given;
      throw wrong("true or false");
    case "list":
      if (Array.isArray(given) && given.every((item): item is string => typeof item === "string"))
        return given;
      throw wrong("a list of texts");
  }
}

function isSecret(name: string): boolean {
  return /password|storage.?url|chain.?further/i.test(name);
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
