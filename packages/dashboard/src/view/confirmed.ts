import { render } from "preact";
import { h } from "./h.ts";

/** What is asked before something that cannot be taken back. */
export interface Question {
  readonly title: string;
  readonly text: string;
  /** What the button says that does it. */
  readonly action: string;
  readonly isDangerous?: boolean;
}

/** Asks in a dialog, and answers whether it was agreed to; Escape means no. The focus goes back to where it was. */
export function confirmed({ title, text, action, isDangerous = false }: Question): Promise<boolean> {
  const dialog = document.createElement("dialog");
  dialog.setAttribute("aria-labelledby", "dialog-title");
  dialog.setAttribute("aria-describedby", "dialog-text");
  const end = (answer: string) => (): void => dialog.close(answer);
  render(
    [
      h("h2", { id: "dialog-title" }, title),
      h("p", { id: "dialog-text" }, text),
      h("div", { class: "actions" }, [
        h("button", { type: "button", class: isDangerous ? "danger" : "main", onClick: end("yes") }, action),
        h("button", { type: "button", autofocus: isDangerous, onClick: end("no") }, "Cancel"),
      ]),
    ],
    dialog,
  );
  document.body.append(dialog);
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(dialog.returnValue === "yes");
    });
    dialog.showModal();
  });
}
