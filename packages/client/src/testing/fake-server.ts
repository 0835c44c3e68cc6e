/**
 * Stands where signstar-download-signature would, behind a ForceCommand. The name of the file in the request says how
 * it behaves; its one argument is the file with its key.
 */
import { readFileSync } from "node:fs";
import { buffer } from "node:stream/consumers";
import { setTimeout } from "node:timers/promises";
import { parseSigningRequest } from "@signstar/signing-request/request";
import { emptyState, SoftwareSigner } from "./software-signer.ts";

const signer = new SoftwareSigner(readFileSync(process.argv[2] ?? "", "utf8"));
const request = parseSigningRequest(new Uint8Array(await buffer(process.stdin)));
const { state, layout } = request.input;
const name = String(request.optional.get("file-name"));
const word = process.env["SSH_ORIGINAL_COMMAND"] ?? "";
const [behaviour = "", argument = ""] = name.split(" ");

if (word !== "") {
  process.exitCode = 64;
} else if (behaviour === "exit") {
  process.stderr.write("fake-server: error: told to\u001b[2J fail\n");
  process.exitCode = Number(argument);
} else if (behaviour === "other") {
  process.stdout.write(signer.response(emptyState));
} else if (behaviour === "huge") {
  process.stdout.write("x".repeat(1_000_000));
} else if (behaviour === "slow") {
  await setTimeout(12_000);
} else if (behaviour === "legacy" && layout !== "legacy") {
  process.exitCode = 65;
} else {
  process.stdout.write(signer.response(state));
}
