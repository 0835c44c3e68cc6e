import { Socket } from "node:net";
import type { TLSSocket } from "node:tls";
import { expect, test, vi } from "vitest";
import { Wire } from "./wire.ts";

test("a connection that ran out of time while its answer was read is timed anew when it lies idle", () => {
  const socket = new Socket();
  const wound = vi.spyOn(socket, "setTimeout");
  const wire = new Wire(socket as TLSSocket);
  wire.begin("GET");
  // Somebody is at work: it stays, and the timer is not wound up by itself again.
  socket.emit("timeout");
  expect(socket.destroyed).toBe(false);
  wound.mockClear();
  wire.rest(undefined);
  expect(wound.mock.calls).toEqual([[4_000]]);
  socket.emit("timeout");
  expect(socket.destroyed).toBe(true);
});
