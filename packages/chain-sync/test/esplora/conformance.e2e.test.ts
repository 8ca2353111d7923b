import { describe, it } from "node:test";
import { chainSourceConformance } from "@fulmen/testkit/conformance";
import { EsploraMedium } from "./esploraMedium.ts";

describe("EsploraSource passes the suite of chain sources", () => {
  chainSourceConformance({ describe, it }, () => EsploraMedium.listening(), {
    canInterrupt: true,
    lies: ["false-transactions", "no-work", "broken-chain"],
    takesPackages: true,
  });
});

describe("EsploraSource passes it with a server of small pages that takes no packages", () => {
  chainSourceConformance({ describe, it }, () =>
    EsploraMedium.listening({ pageSize: 10, takesPackages: false }),
  );
});
