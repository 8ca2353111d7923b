import { createInterface } from "node:readline";
import { setTimeout as delay } from "node:timers/promises";
import { Chromium } from "@fulmen/testkit/chromium";
import { type Page, PageServer } from "./pageServer.ts";

/** A line of Chromium's log that repeats what is on a page's console. */
const consoleLine = /:CONSOLE[:(]\d+\)?\] (.*)$/;

/**
 * Opens the page in a Chromium of its own, or with the profile in the folder `profile`, which stays. Resolves with what
 * the page posts. Rejects as soon as anything is on the page's console, when the browser ends, and when nothing is
 * posted in time.
 */
export async function openPage(page: Page, timeoutSeconds: number, profile?: string): Promise<string> {
  const server = await PageServer.start(page);
  // What a page writes to its console, or fails with, becomes a line of the standard error output.
  const browser = new Chromium(["--enable-logging=stderr", server.url], profile);
  const inTime = new AbortController();
  const tooLate = delay(timeoutSeconds * 1_000, undefined, { signal: inTime.signal }).then(() => {
    throw new Error(`the page posts nothing within ${timeoutSeconds} s`);
  });
  try {
    return await Promise.race([server.result(), trouble(browser), tooLate]);
  } finally {
    inTime.abort();
    await browser.kill();
    server.close();
  }
}

/** Rejects with the first line on the page's console, or with how the browser ended. */
function trouble(browser: Chromium): Promise<never> {
  return new Promise((_, reject) => {
    const { stderr } = browser.child;
    if (stderr !== null) {
      createInterface(stderr).on("line", (line) => {
        const message = consoleLine.exec(line)?.[1];
        if (message !== undefined) reject(new Error(`on the page's console: ${message}`));
      });
    }
    browser.ended().catch(reject);
  });
}
