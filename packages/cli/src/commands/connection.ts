import { readFileSync } from "node:fs";
import * as tls from "node:tls";
import { type Client, createClient } from "@fulmen/client";
import { CliError, exitCodes } from "../cliError.ts";
import { daemonConfig } from "../config/daemonConfig.ts";
import { readConfig } from "../config/readConfig.ts";
import { dataFolder } from "../daemon/dataFolder.ts";

/** Options that every command takes. */
export interface CommonOptions {
  readonly dataDir?: string;
  /** Of a daemon elsewhere; by default the one of the data folder. */
  readonly url?: string;
  readonly token?: string;
  /** Print what the API answers. */
  readonly json?: boolean;
}

/** A client of the daemon that the options name. */
export function connect({ dataDir, url, token }: CommonOptions): Client {
  const folder = dataFolder(dataDir);
  const elsewhere = url ?? process.env["FULMEN_URL"];
  const given = token ?? process.env["FULMEN_TOKEN"];
  const own = (): string => {
    try {
      return readFileSync(folder.ownToken, "utf8").trim();
    } catch {
      throw new CliError(
        "token-missing",
        exitCodes.token,
        `There is no token in ${folder.ownToken}.`,
        "Name one with --token or FULMEN_TOKEN; make one with `fulmen token create`.",
      );
    }
  };
  return createClient({ url: elsewhere ?? ownUrl(folder.config), token: given ?? own(), retries: 1 });
}

function ownUrl(path: string): string {
  const { host, port, tls: files } = daemonConfig(readConfig(path, process.env)).api;
  const reachable = host === "0.0.0.0" ? "127.0.0.1" : host === "::" ? "[::1]" : host;
  if (files === undefined) return `http://${reachable}:${port}`;
  // The daemon's own certificate is trusted, whoever signed it.
  if ("setDefaultCACertificates" in tls)
    tls.setDefaultCACertificates([
      ...tls.getCACertificates("default"),
      readFileSync(files.certificate, "utf8"),
    ]);
  return `https://${reachable}:${port}`;
}
