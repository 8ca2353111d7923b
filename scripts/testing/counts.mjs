/*
 * A reporter of node:test that ends with one JSON line: how many tests passed and failed. Tests count, suites do not,
 * unless a suite itself fails (its body throws, a hook fails). A test that is skipped has failed: nothing was shown.
 */
import { isStray } from "./stray.mjs";

/** @param {AsyncIterable<import("node:test/reporters").TestEvent>} source */
export default async function* counts(source) {
  let passed = 0;
  let failed = 0;
  for await (const { type, data } of source) {
    if (type === "test:diagnostic" && isStray(data)) failed += 1;
    if (type !== "test:pass" && type !== "test:fail") continue;
    const isSuite = data.details.type === "suite";
    const ran = data.skip === undefined && data.todo === undefined;
    if (type === "test:fail") {
      if (!isSuite || data.details.error.failureType !== "subtestsFailed") failed += 1;
    } else if (!ran) failed += 1;
    else if (!isSuite) passed += 1;
  }
  yield `${JSON.stringify({ passed, failed })}\n`;
}
