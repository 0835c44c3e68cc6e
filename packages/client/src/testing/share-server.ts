/**
 * Stands where the programs for shares would: behind a ForceCommand, or as the ssh itself, whose arguments end with
 * `--`, the destination and the words. Its first argument is a folder with the `share` that it hands out, and perhaps a
 * `behaviour`; there it leaves what it is told.
 */
import { appendFileSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { buffer } from "node:stream/consumers";
import { encodeReceipt } from "@signstar/secret-sharing/receipt";
import { parseShare, sha256 } from "@signstar/secret-sharing/share";

const [, , folder = "", ...args] = process.argv;
const end = args.indexOf("--");
const words = end === -1 ? (process.env["SSH_ORIGINAL_COMMAND"] ?? "") : args.slice(end + 2).join(" ");
const file = (name: string): string => join(folder, name);
const behaviour = existsSync(file("behaviour")) ? readFileSync(file("behaviour"), "utf8") : "";

if (words === "") handOut();
else if (words.startsWith("confirm ")) confirm(words.slice("confirm ".length));
else await take();

function handOut(): void {
  const share = readFileSync(file("share"));
  if (behaviour === "nothing") fail(66, "no share is waiting");
  else if (behaviour === "cut") process.stdout.write(share.subarray(0, 100));
  else if (behaviour === "huge") process.stdout.write("x".repeat(200_000));
  else process.stdout.write(share);
}

function confirm(digest: string): void {
  if (behaviour === "lost") process.exitCode = 255;
  else if (digest !== sha256(readFileSync(file("share")))) fail(65, "this is not the SHA-256 of your share");
  else {
    appendFileSync(file("confirmed"), `${digest}\n`);
    process.stdout.write(`${JSON.stringify({ confirmed: behaviour === "liar" ? "0" : digest })}\n`);
  }
}

async function take(): Promise<void> {
  const bytes = new Uint8Array(await buffer(process.stdin));
  writeFileSync(file("received"), bytes);
  writeFileSync(file("words"), words);
  if (behaviour === "void") fail(65, "the share belongs to a set which is void\u001b[2J");
  else if (behaviour === "liar") process.stdout.write("thanks\n");
  else {
    const intent = behaviour === "other" ? "reboot" : words;
    const notes = ["a note"];
    const sets = { inForce: [], void: [parseShare(readFileSync(file("share"))).set] };
    const receipt = { ...parseShare(bytes), standing: "unknown" as const, intent, handedIn: 2, ...sets, notes };
    process.stdout.write(encodeReceipt(receipt));
  }
}

function fail(exit: number, message: string): void {
  process.stderr.write(`share-server: error: ${message}\n`);
  process.exitCode = exit;
}
