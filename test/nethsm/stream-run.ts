/**
 * A client that moves large files: a backup out of one device straight into another, and an update image. It is told
 * about the devices in JSON and says in JSON how much went through and how far its memory grew, in bytes.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { NetHsm } from "@signstar/nethsm/client";
import { parseUserId } from "@signstar/nethsm/ids";
import { type Connection, parseDeviceUrl } from "@signstar/nethsm/tls";
import { toUtf8 } from "@signstar/primitives/bytes";
import { Secret } from "@signstar/primitives/secret";
import { testPassphrases, testUsers } from "@signstar/soft-nethsm/testing";

const [from = "", to = "", blocks = "0"] = process.argv.slice(2);
const connection = (url: string): Connection => ({ url: parseDeviceUrl(url), tls: { mode: "unsafe" } });
const credentials = ({ name, passphrase }: { name: string; passphrase: string }) => ({
  user: parseUserId(name),
  passphrase: Secret.fromText(passphrase),
});

using source = new NetHsm(connection(from), { credentials: credentials(testUsers.backup) });
using sink = new NetHsm(connection(to));
await Promise.all([source.info(), sink.info()]);
const base = process.memoryUsage().rss;
let most = base;
let moved = 0;

/** A pipe that lets through some pieces at a time. */
async function* throttled(chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>) {
  let since = 0;
  for await (const chunk of chunks) {
    moved += chunk.length;
    since += chunk.length;
    most = Math.max(most, process.memoryUsage.rss());
    if (since > 1024 * 1024) {
      since = 0;
      await sleep(5);
    }
    yield chunk;
  }
}

const backupPassphrase = Secret.fromText(testPassphrases.backup);
await sink.system.restore({ backup: { chunks: throttled(await source.system.backup()) }, backupPassphrase });
const backup = moved;

function* image(count: number): Iterable<Uint8Array> {
  const field = (bytes: Uint8Array) => Buffer.concat([Buffer.from([0, 0, bytes.length]), bytes]);
  const size = Buffer.alloc(4);
  size.writeUInt32BE(count);
  yield Buffer.concat([
    toUtf8("_NETHSM_UPDATE_\0"),
    ...["signature", "what is new", "5.1"].map((text) => field(toUtf8(text))),
    size,
  ]);
  for (let left = count * 512; left > 0; left -= 65_536) yield new Uint8Array(Math.min(left, 65_536));
}

const administrator = source.as(credentials(testUsers.admin));
const notes = await administrator.system.update({ chunks: throttled(image(Number(blocks))) });
await administrator.system.cancelUpdate();
process.stdout.write(JSON.stringify({ backup, update: moved - backup, notes, growth: most - base }));
