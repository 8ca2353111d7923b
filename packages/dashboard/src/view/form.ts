import type { ComponentChildren, VNode } from "preact";
import { useState } from "preact/hooks";
import { sentence } from "../model/format.ts";
import { type Trouble, troubleOf } from "../model/store.ts";
import { h } from "./h.ts";

/** A refusal: what happened, and what to do about it. */
export function Notice({ trouble }: { readonly trouble: Trouble }): VNode {
  return h("div", { class: "notice", role: "alert" }, [
    h("p", null, sentence(trouble.message)),
    h("p", { class: "quiet" }, sentence(trouble.remedy)),
  ]);
}

/** A field of a form with its label. */
export interface FieldProps {
  readonly name: string;
  readonly label: string;
  readonly hint?: string;
  readonly isLong?: boolean;
  readonly isRequired?: boolean;
  readonly isNumber?: boolean;
  readonly isSecret?: boolean;
}

/** One labelled input. */
export function Field({ name, label, hint, isLong, isRequired, isNumber, isSecret }: FieldProps): VNode {
  const id = `field-${name}`;
  const attributes = {
    id,
    name,
    required: isRequired === true,
    autocomplete: "off",
    spellcheck: false,
    ...(isNumber === true && { inputMode: "decimal" as const }),
    ...(hint !== undefined && { "aria-describedby": `${id}-hint` }),
  };
  return h("div", null, [
    h("label", { for: id }, label),
    isLong === true
      ? h("textarea", attributes)
      : h("input", { ...attributes, type: isSecret === true ? "password" : "text" }),
    hint === undefined ? null : h("p", { id: `${id}-hint`, class: "quiet" }, hint),
  ]);
}

/** What a form does with what was typed, which `clear` takes away; answers with what to show below it. */
export type Submit = (value: (name: string) => string, clear: () => void) => Promise<ComponentChildren>;

/** A form that shows how it went below its button, and is announced to readers of the screen. */
export function Form(props: {
  readonly name: string;
  readonly button: string;
  readonly submit: Submit;
  readonly children?: ComponentChildren;
}): VNode {
  const [isBusy, setBusy] = useState(false);
  const [outcome, setOutcome] = useState<ComponentChildren>(null);
  const onSubmit = async (event: Event): Promise<void> => {
    event.preventDefault();
    if (isBusy || !(event.currentTarget instanceof HTMLFormElement)) return;
    const form = event.currentTarget;
    const data = new FormData(form);
    setBusy(true);
    try {
      setOutcome(
        await props.submit(
          (name) => String(data.get(name) ?? "").trim(),
          () => form.reset(),
        ),
      );
    } catch (error) {
      setOutcome(h(Notice, { trouble: troubleOf(error) }));
    }
    setBusy(false);
  };
  return h("form", { "aria-label": props.name, onSubmit }, [
    props.children,
    // One that is disabled would lose the focus.
    h("button", { type: "submit", "aria-disabled": isBusy }, isBusy ? "One moment…" : props.button),
    h("div", { "aria-live": "polite" }, outcome),
  ]);
}

/** Refuses what was typed, in the words of a refusal. */
export function refusal(message: string, remedy: string): VNode {
  return h(Notice, { trouble: { code: "input", message, remedy } });
}
