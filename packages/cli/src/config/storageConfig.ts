import { misfit } from "../cliError.ts";
import type { ConfigValues } from "./readConfig.ts";

/** Where a node keeps its records. */
export type StorageConfig = { readonly encrypted: boolean } & (
  | { readonly kind: "sqlite" | "files"; readonly path?: string }
  | { readonly kind: "postgres"; readonly url: string; readonly node: string }
);

/** What the settings of the group `storage` mean together. Throws `CliError` where they do not fit. */
export function storageConfig(values: ConfigValues): StorageConfig {
  const text = (name: string): string | undefined => {
    const value = values.get(`storage.${name}`);
    return typeof value === "string" ? value : undefined;
  };
  const encrypted = values.get("storage.encrypted") === true;
  const [kind, path, url, node] = [text("kind"), text("path"), text("url"), text("node")];
  if (kind !== "postgres")
    return { kind: kind === "files" ? kind : "sqlite", encrypted, ...(path !== undefined && { path }) };
  if (url === undefined || !/^postgres(ql)?:\/\//.test(url) || !URL.canParse(url))
    throw misfit(
      `storage.url is ${url === undefined ? "not set" : "not that of a PostgreSQL database"}.`,
      "Set it to postgres://user:password@host/database.",
    );
  return { kind, url, node: node ?? "fulmen", encrypted };
}
