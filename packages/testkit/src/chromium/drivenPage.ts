import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Chromium } from "./chromium.ts";

interface Answer {
  readonly id?: number;
  readonly method?: string;
  readonly params?: {
    readonly exceptionDetails?: unknown;
    readonly type?: string;
    readonly args?: unknown;
    readonly entry?: { readonly level?: string };
  };
  readonly result?: {
    readonly data?: string;
    readonly result?: { readonly value?: unknown };
    readonly exceptionDetails?: unknown;
  };
  readonly error?: unknown;
}

/** A page in Chromium, driven over its DevTools protocol. */
export class DrivenPage {
  readonly #browser: Chromium;
  readonly #socket: WebSocket;
  readonly #waiting = new Map<number, (answer: Answer) => void>();
  #last = 0;
  /** What the page complained of. */
  readonly complaints: string[] = [];

  private constructor(browser: Chromium, socket: WebSocket) {
    this.#browser = browser;
    this.#socket = socket;
    socket.addEventListener("message", ({ data }) => this.#hear(JSON.parse(String(data))));
  }

  /** An empty page in a browser of its own. */
  static async open(): Promise<DrivenPage> {
    const browser = new Chromium(["--remote-debugging-port=0"]);
    browser.child.stderr?.resume();
    try {
      return await Promise.race([DrivenPage.#attach(browser), browser.ended()]);
    } catch (error) {
      await browser.kill();
      throw error;
    }
  }

  static async #attach(browser: Chromium): Promise<DrivenPage> {
    const portFile = join(browser.profile, "DevToolsActivePort");
    while (!existsSync(portFile) || !readFileSync(portFile, "utf8").includes("\n")) await sleep(50);
    const [port] = readFileSync(portFile, "utf8").split("\n");
    let url: string | undefined;
    while (url === undefined) {
      const answer = await fetch(`http://127.0.0.1:${port}/json/list`);
      const targets = (await answer.json()) as { type: string; webSocketDebuggerUrl: string }[];
      url = targets.find(({ type }) => type === "page")?.webSocketDebuggerUrl;
    }
    const socket = new WebSocket(url);
    await new Promise((resolve, reject) => {
      socket.addEventListener("open", resolve);
      socket.addEventListener("error", reject);
    });
    const page = new DrivenPage(browser, socket);
    for (const domain of ["Page", "Runtime", "Log"]) await page.send(`${domain}.enable`);
    return page;
  }

  /** A command of the DevTools protocol, and its answer. */
  async send(method: string, params: object = {}): Promise<NonNullable<Answer["result"]>> {
    const id = ++this.#last;
    const answer = await new Promise<Answer>((resolve) => {
      this.#waiting.set(id, resolve);
      this.#socket.send(JSON.stringify({ id, method, params }));
    });
    if (answer.error !== undefined) throw new Error(`${method}: ${JSON.stringify(answer.error)}`);
    return answer.result ?? {};
  }

  /** The value of an expression in the page. */
  async value(expression: string): Promise<unknown> {
    const { result, exceptionDetails } = await this.send("Runtime.evaluate", {
      expression,
      awaitPromise: true,
      returnByValue: true,
    });
    if (exceptionDetails !== undefined) throw new Error(`${expression}: ${JSON.stringify(exceptionDetails)}`);
    return result?.value;
  }

  /** Waits until an expression is true in the page. */
  async until(expression: string, seconds = 20): Promise<void> {
    for (const end = Date.now() + seconds * 1000; Date.now() < end; await sleep(50))
      if ((await this.value(`Boolean(${expression})`)) === true) return;
    throw new Error(
      `not so in ${seconds} s: ${expression}; the page says: ${await this.value("document.body.innerText")}`,
    );
  }

  /** Presses a key; `text` is what it types. */
  async key(key: string, code: number, text?: string): Promise<void> {
    const one = { key, code: key, windowsVirtualKeyCode: code, ...(text !== undefined && { text }) };
    await this.send("Input.dispatchKeyEvent", { type: "keyDown", ...one });
    await this.send("Input.dispatchKeyEvent", { type: "keyUp", ...one });
  }

  /** Puts a text in where the focus is. */
  async type(text: string): Promise<void> {
    await this.send("Input.insertText", { text });
  }

  /** Makes the page as large as a screen; a narrow one is a phone's. */
  async size(width: number, height: number): Promise<void> {
    await this.send("Emulation.setDeviceMetricsOverride", {
      width,
      height,
      deviceScaleFactor: 1,
      mobile: width < 500,
    });
    // What depends on the size is drawn anew.
    await sleep(200);
  }

  /** What is seen of the page, as PNG. */
  async picture(): Promise<Uint8Array> {
    const { data = "" } = await this.send("Page.captureScreenshot");
    return new Uint8Array(Buffer.from(data, "base64"));
  }

  /** Ends the browser. */
  async close(): Promise<void> {
    this.#socket.close();
    await this.#browser.kill();
  }

  #hear(answer: Answer): void {
    if (answer.id !== undefined) this.#waiting.get(answer.id)?.(answer);
    const { method, params } = answer;
    const isError = params?.type === "error" || params?.entry?.level === "error";
    if (method === "Runtime.exceptionThrown" || (isError && /consoleAPICalled|entryAdded/.test(method ?? "")))
      this.complaints.push(JSON.stringify(params));
  }
}
