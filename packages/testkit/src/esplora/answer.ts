import type { Json } from "../electrum/json.ts";

/** What a client asks for. */
export interface EsploraRequest {
  readonly method: string;
  /** From the root of the API on: `/blocks/tip/hash`. */
  readonly path: string;
  readonly body: string;
}

export interface EsploraAnswer {
  readonly status: number;
  readonly contentType: string;
  readonly body: string | Uint8Array;
  readonly headers?: Readonly<Record<string, string>>;
}

/** An answer other than 200; `message` is its text. */
export class EsploraRefusal extends Error {
  override readonly name = "EsploraRefusal";
  readonly status: number;

  constructor(status: 400 | 404, message: string) {
    super(message);
    this.status = status;
  }
}

export function textAnswer(body: string, status = 200): EsploraAnswer {
  return { status, contentType: "text/plain", body };
}

export function jsonAnswer(json: Json): EsploraAnswer {
  return { status: 200, contentType: "application/json", body: JSON.stringify(json) };
}
