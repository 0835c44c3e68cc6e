/**
 * Runs on the appliance as the signing user:  raw-sign COUNT WIDTH
 * Asks the device for COUNT Ed25519 signatures, WIDTH at a time, and prints the seconds that takes. No SSH, no OpenPGP.
 */
import { readdirSync, readFileSync } from "node:fs";
import { userInfo } from "node:os";
import { join } from "node:path";
import { NetHsm } from "@signstar/nethsm/client";
import { parseKeyId, parseUserId } from "@signstar/nethsm/ids";
import { parseDeviceUrl, parsePin } from "@signstar/nethsm/tls";
import { Secret } from "@signstar/primitives/secret";

const [count = 0, width = 1] = process.argv.slice(2).map(Number);
const config = readFileSync("/etc/signstar/config.toml", "utf8");
const found = (pattern: RegExp): string => pattern.exec(config)?.[1] ?? "";
const secrets = join(userInfo().homedir, ".local/state/signstar/secrets");
const [name = ""] = readdirSync(secrets);
const user = name.replace(/\.txt$/, "");
const hsm = new NetHsm(
  {
    url: parseDeviceUrl(found(/url = "(.*)"/)),
    tls: { mode: "pinned", sha256: [parsePin(found(/"([0-9a-f]{64})"/))] },
  },
  {
    credentials: { user: parseUserId(user), passphrase: Secret.fromText(readFileSync(join(secrets, name), "utf8")) },
    maxSockets: width,
  },
);
const key = parseKeyId(user.replace(/^op/, ""));
const message = new Uint8Array(64);
const sign = () => hsm.keys.sign(key, { mode: "EdDSA", message });
await sign();
let left = count;
const start = performance.now();
const worker = async (): Promise<void> => {
  while (left > 0) {
    left -= 1;
    await sign();
  }
};
await Promise.all(Array.from({ length: width }, worker));
console.log((performance.now() - start) / 1000);
hsm.close();
