import { type ComponentChildren, createElement, type VNode } from "preact";

const create = createElement as (type: unknown, props: unknown, ...children: ComponentChildren[]) => VNode;

/** Attributes and listeners of an element. */
type Attributes = Readonly<Record<string, unknown>> | null;

/** An element of the page, or a component of ours with its properties. */
export function h(type: string, attributes: Attributes, children?: ComponentChildren): VNode;
export function h<P>(
  type: (properties: P) => VNode | null,
  properties: P & { readonly key?: string },
  children?: ComponentChildren,
): VNode;
export function h(type: unknown, properties: unknown, children?: ComponentChildren): VNode {
  return children === undefined ? create(type, properties) : create(type, properties, children);
}
