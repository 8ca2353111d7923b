import { flushCompileCache } from "node:module";
import { type Frame, type Methods, serve } from "./call.ts";

/**
 * Serves the process that started this one, and ends when it closes the line or is killed, after `beforeEnd`. Gives
 * what sends it a notice.
 */
export function serveParent<S extends Methods<S>>(
  service: Promise<S>,
  beforeEnd: () => Promise<void>,
): (value: unknown) => void {
  const { send } = process;
  if (send === undefined) throw new Error("this program is started by the playground, not by hand");
  const tell = (frame: Frame): void => {
    if (process.connected) send.call(process, frame);
  };
  const answer = serve(service, tell);
  // One that is killed later would not leave it behind.
  void service.then(() => flushCompileCache());
  process.on("message", (frame) => answer(frame as Frame));
  process.on("disconnect", () => {
    beforeEnd().then(
      () => process.exit(0),
      () => process.exit(1),
    );
  });
  // Ctrl-C reaches all processes of a terminal; the parent ends its children in order.
  process.on("SIGINT", () => undefined);
  return (value) => tell({ kind: "notice", value });
}
