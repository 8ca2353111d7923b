import { type LdkPaymentsOptions, ldkPayments } from "./payments.ts";
import { ldkInstalledBytes, ldkLoadBytes, ldkStartup } from "./startup.ts";

/**
 * One measurement of LDK, printed as JSON: `payments '{"amountMsat":10000,"inFlight":10,"count":200}'`, `startup`,
 * `load-bytes` or `installed-bytes`.
 */
async function main([command, options]: readonly string[]): Promise<unknown> {
  switch (command) {
    case "payments":
      return ldkPayments(JSON.parse(options ?? "") as LdkPaymentsOptions);
    case "startup":
      return ldkStartup();
    case "load-bytes":
      return ldkLoadBytes();
    case "installed-bytes":
      return ldkInstalledBytes();
    default:
      throw new Error(`no such measurement: ${command}`);
  }
}

process.stdout.write(`${JSON.stringify(await main(process.argv.slice(2)))}\n`);
