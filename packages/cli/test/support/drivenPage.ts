import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

const flags = [
  "--headless",
  "--no-sandbox",
  "--no-first-run",
  "--disable-gpu",
  "--disable-sync",
  "--disable-extensions",
  "--disable-component-update",
  "--disable-background-networking",
  "--disable-dev-shm-usage",
  "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
  "--remote-debugging-port=0",
];

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
  readonly #child: ChildProcess;
  readonly #profile: string;
  readonly #socket: WebSocket;
  readonly #waiting = new Map<number, (answer: Answer) => void>();
  #last = 0;
  /** What the page complained of. */
  readonly complaints: string[] = [];

  private constructor(child: ChildProcess, profile: string, socket: WebSocket) {
    this.#child = child;
    this.#profile = profile;
    this.#socket = socket;
    socket.addEventListener("message", ({ data }) => this.#hear(JSON.parse(String(data))));
  }

  static async open(): Promise<DrivenPage> {
    const profile = mkdtempSync(join(tmpdir(), "fulmen-dashboard-"));
    const child = spawn(process.env["CHROMIUM"] || "chromium", [...flags, `--user-data-dir=${profile}`], {
      detached: true,
      env: { ...process.env, HOME: profile },
      stdio: "ignore",
    });
    const portFile = join(profile, "DevToolsActivePort");
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
    const page = new DrivenPage(child, profile, socket);
    for (const domain of ["Page", "Runtime", "Log"]) await page.send(`${domain}.enable`);
    return page;
  }

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

  async key(key: string, code: number, text?: string): Promise<void> {
    const one = { key, code: key, windowsVirtualKeyCode: code, ...(text !== undefined && { text }) };
    await this.send("Input.dispatchKeyEvent", { type: "keyDown", ...one });
    await this.send("Input.dispatchKeyEvent", { type: "keyUp", ...one });
  }

  async type(text: string): Promise<void> {
    await this.send("Input.insertText", { text });
  }

  /** A picture of the page as PNG. */
  async picture(width: number, height: number): Promise<Buffer> {
    await this.send("Emulation.setDeviceMetricsOverride", {
      width,
      height,
      deviceScaleFactor: 1,
      mobile: width < 500,
    });
    await sleep(400);
    const { data = "" } = await this.send("Page.captureScreenshot");
    return Buffer.from(data, "base64");
  }

  async close(): Promise<void> {
    this.#socket.close();
    const ended = new Promise((resolve) => this.#child.once("close", resolve));
    if (this.#child.pid !== undefined) process.kill(-this.#child.pid, "SIGKILL");
    await ended;
    rmSync(this.#profile, { recursive: true, force: true, maxRetries: 10 });
  }

  #hear(answer: Answer): void {
    if (answer.id !== undefined) this.#waiting.get(answer.id)?.(answer);
    const { method, params } = answer;
    const isError = params?.type === "error" || params?.entry?.level === "error";
    if (method === "Runtime.exceptionThrown" || (isError && /consoleAPICalled|entryAdded/.test(method ?? "")))
      this.complaints.push(JSON.stringify(params));
  }
}
