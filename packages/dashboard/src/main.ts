import { createClient } from "@fulmen/client";
import { render, type VNode } from "preact";
import { endSession, keepToken, openSession } from "./model/session.ts";
import { NodeStore, type Trouble, troubleOf } from "./model/store.ts";
import { chosenTheme } from "./model/theme.ts";
import { App } from "./view/app.ts";
import { Field, Form, Notice } from "./view/form.ts";
import { h } from "./view/h.ts";

/** Blocks come without an event. */
const refreshMilliseconds = 5_000;

const page = document.querySelector("#page");
if (page === null) throw new Error("The page has no place for the dashboard.");
document.documentElement.dataset["theme"] = chosenTheme({
  storage: () => localStorage,
  prefersDark: matchMedia("(prefers-color-scheme: dark)").matches,
});
page.replaceChildren();

const token = openSession({
  storage: sessionStorage,
  location,
  replaceAddress: (address) => history.replaceState(null, "", address),
});
if (token === undefined) askForToken();
else void begin(token);

async function begin(token: string): Promise<void> {
  const store = new NodeStore(createClient({ url: location.origin, token, retries: 1 }));
  try {
    await store.open();
  } catch (error) {
    store.end();
    const trouble = troubleOf(error);
    if (trouble.code.startsWith("token-")) endSession(sessionStorage);
    askForToken(trouble);
    return;
  }
  const timer = setInterval(() => {
    if (!document.hidden) void store.refresh();
  }, refreshMilliseconds);
  void store.follow();
  const leave = (): void => {
    clearInterval(timer);
    store.end();
    endSession(sessionStorage);
    askForToken();
  };
  draw(h(App, { store, leave }));
}

function askForToken(trouble?: Trouble): void {
  const submit = async (value: (name: string) => string): Promise<null> => {
    keepToken(sessionStorage, value("token"));
    await begin(value("token"));
    return null;
  };
  draw(
    h("main", { class: "login card" }, [
      h("h1", null, "Fulmen"),
      h("p", null, "Paste a token of your node. It stays in this tab until you close it."),
      trouble === undefined ? null : h(Notice, { trouble }),
      h(Form, { name: "Log in", button: "Open", submit }, [
        h(Field, {
          name: "token",
          label: "Token",
          hint: "Made by: fulmen token create",
          isSecret: true,
          isRequired: true,
        }),
      ]),
    ]),
  );
}

function draw(node: VNode): void {
  if (page !== null) render(node, page);
}
