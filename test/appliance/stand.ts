/** A small appliance below a directory of its own: software devices, config, credentials, journal; no sshd. */
import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { chmodSync, chownSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { buffer, text } from "node:stream/consumers";
import { NetHsm } from "@signstar/nethsm/client";
import { parseKeyId, parseTag, parseUserId } from "@signstar/nethsm/ids";
import { parseDeviceUrl, parsePin } from "@signstar/nethsm/tls";
import type { KeyMechanism, KeyType } from "@signstar/nethsm/types";
import type { Certificate } from "@signstar/openpgp/certificate";
import { fromBase64, toBase64 } from "@signstar/primitives/bytes";
import { Secret } from "@signstar/primitives/secret";
import { materialOf } from "@signstar/signing/key-material";
import { makeCertificate } from "@signstar/signing/make-certificate";
import { nethsmSigner, type SigningKeys } from "@signstar/signing/raw-signer";
import { type ProvisionedSoftNethsm, provisioned, type SoftNethsmOptions } from "@signstar/soft-nethsm/testing";
import { bundle } from "../../scripts/bundle.ts";
import { executables } from "../../scripts/executables.ts";

/** Root runs the program as nobody; others as themselves. */
const isRoot = process.geteuid?.() === 0;
const caller = isRoot ? { uid: 65534, gid: 65534 } : { uid: process.geteuid?.() ?? -1, gid: process.getegid?.() ?? -1 };

/** Config spelling of key type and of what goes with it. */
export const keySetups = {
  Curve25519: { type: "Curve25519", mechanism: "EdDSA_Signature", toml: ["Curve25519", "EdDsaSignature", "EdDsa"] },
  EC_P256: { type: "EC_P256", mechanism: "ECDSA_Signature", toml: ["EcP256", "EcdsaSignature", "EcdsaP256"] },
  EC_P384: { type: "EC_P384", mechanism: "ECDSA_Signature", toml: ["EcP384", "EcdsaSignature", "EcdsaP384"] },
  EC_P521: { type: "EC_P521", mechanism: "ECDSA_Signature", toml: ["EcP521", "EcdsaSignature", "EcdsaP521"] },
  RSA: { type: "RSA", mechanism: "RSA_Signature_PKCS1", toml: ["Rsa", "RsaSignaturePkcs1", "Pkcs1"] },
} as const satisfies Record<string, { type: KeyType; mechanism: KeyMechanism; toml: readonly string[] }>;
type Release = SoftNethsmOptions["release"];
export type KeyKind = keyof typeof keySetups;

export interface Ended {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

export interface EndedBytes {
  readonly code: number | null;
  readonly bytes: Uint8Array;
  readonly err: string;
}

export type Entry = Readonly<Record<string, unknown>>;

/** Words that a client must never read. */
const secrets = ["operator", "key1", "tag1", "127.0.0.1", "localhost", "/var/lib", "/etc", "signer-root", "HSM", "hsm"];

export class Stand {
  readonly root: string = mkdtempSync(join(tmpdir(), "signer-root-"));
  /** Those that the config names. */
  devices: readonly Pick<ProvisionedSoftNethsm, "url" | "tlsFingerprint">[] = [];
  certificate: Certificate | undefined;
  readonly #made: ProvisionedSoftNethsm[] = [];
  readonly #kept = new Map<string, ProvisionedSoftNethsm>();
  #journal: Server | undefined;
  #lines: string[] = [];
  #program = "";
  #secrets: readonly string[] = [];

  /** A directory of the caller's with passwd, journal and a program's bundle, whose clients `mayRead` certain words. */
  static async make(program = "signstar-download-signature", mayRead: readonly string[] = []): Promise<Stand> {
    const stand = new Stand();
    stand.#secrets = secrets.filter((word) => !mayRead.includes(word));
    chmodSync(stand.root, 0o755);
    chownSync(stand.root, caller.uid, caller.gid);
    await stand.reset();
    const executable = executables.find(({ name }) => name === program);
    if (executable === undefined) throw new Error("no such executable");
    stand.#program = stand.write("/program.cjs", (await bundle(executable)).code, 0o644);
    return stand;
  }

  /** As after `make`, but the devices that were not asked for as fresh ones live on. */
  async reset(): Promise<void> {
    for (const path of ["etc", "var"]) rmSync(join(this.root, path), { recursive: true, force: true });
    this.devices = [];
    this.certificate = undefined;
    this.passwd("signer");
    if (this.#journal === undefined) await this.#startJournal();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#made.map((device) => device.close().catch(() => undefined)));
    this.#journal?.close();
    rmSync(this.root, { recursive: true, force: true });
  }

  passwd(name: string): void {
    this.write("/etc/passwd", `${name}:x:${caller.uid}:${caller.gid}::/var/lib/signstar/home/${name}:/bin/sh\n`, 0o644);
  }

  /** A file of the caller's below the root. */
  write(path: string, content: string | Uint8Array, mode = 0o600): string {
    const full = join(this.root, path);
    mkdirSync(dirname(full), { recursive: true });
    writeFileSync(full, content);
    chmodSync(full, mode);
    if (isRoot)
      for (let place = full; place !== this.root; place = dirname(place)) chownSync(place, caller.uid, caller.gid);
    return full;
  }

  /** A file of what is a passphrase, or with `creds` of one encrypted. */
  credential(content: string, suffix = "", user = "operator", kind: "txt" | "creds" = "txt"): string {
    const secretsOf = "/var/lib/signstar/home/signer/.local/state/signstar/secrets";
    return this.write(`${secretsOf}/${user}.${kind}${suffix}`, content);
  }

  /** A device whose key `key1` the operator may use; the same one for the same words, unless it is to be `fresh`. */
  async device(kind: KeyKind, options: SoftNethsmOptions = {}, fresh?: "fresh"): Promise<ProvisionedSoftNethsm> {
    const words = `${kind} ${JSON.stringify(options)}`;
    const known = this.#kept.get(words);
    if (known !== undefined && fresh === undefined) return known;
    const device = await provisioned(options);
    this.#made.push(device);
    if (fresh === undefined) this.#kept.set(words, device);
    const { type, mechanism } = keySetups[kind];
    using hsm = this.as(device, "admin");
    const id = parseKeyId("key1");
    const length = type === "RSA" ? { length: 2048 } : {};
    await hsm.keys.generate({ id, type, mechanisms: [mechanism], tags: [parseTag("tag1")], ...length });
    await hsm.users.addTag(parseUserId("operator"), parseTag("tag1"));
    return device;
  }

  /** The certificate of a device's key, as configuration would write it; past the device's faults. */
  async certify(device: ProvisionedSoftNethsm, release?: Release): Promise<Certificate> {
    using hsm = this.as(device, "operator");
    const id = parseKeyId("key1");
    const { name, passphrase } = device.users.operator;
    const sign: SigningKeys["sign"] = async (_, { mode, message }) => {
      const json = { mode, message: toBase64(message) };
      const answer = await device.request("POST", "/keys/key1/sign", { user: [name, passphrase], json });
      return fromBase64((answer.json() as { signature: string }).signature);
    };
    const material = materialOf((await hsm.keys.get(id)).publicKey);
    const signer = nethsmSigner({ sign }, id, material, { deviceAddsDigestInfo: release === "3.0" });
    const made = await makeCertificate({ signer, userId: "Signer <s@example.org>", creationTime: 1_700_000_000 });
    this.certificate = made.certificate;
    return made.certificate;
  }

  installCertificate(certificate: Certificate): string {
    return this.write("/var/lib/signstar/certificates/key1.pgp", certificate.bytes, 0o644);
  }

  configure(
    options: {
      kind?: KeyKind;
      more?: string;
      mapping?: string;
      tail?: string;
      adminSecret?: "shamirs-secret-sharing";
      secrets?: "systemd-creds";
    } = {},
  ): void {
    const [keyType, mechanism, signatureType] = keySetups[options.kind ?? "Curve25519"].toml;
    const connections = this.devices.map(
      ({ url, tlsFingerprint }) =>
        `[[connections]]\nurl = "${url}"\ntls_security = { Fingerprints = { sha256 = ["${parsePin(tlsFingerprint)}"] } }`,
    );
    const mapping = `[[users]]
[users.system_nethsm_operator_signing]
system_user = "signer"
ssh_authorized_key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEB client"
nethsm_user = "operator"
tag = "tag1"
${options.more ?? ""}
[users.system_nethsm_operator_signing.nethsm_key_setup]
key_id = "key1"
key_type = "${keyType}"
key_mechanisms = ["${mechanism}"]
${options.kind === "RSA" ? "key_length = 2048" : ""}
signature_type = "${signatureType}"
key_context.openpgp = { user_ids = ["Signer <s@example.org>"], version = "4" }`;
    const parts = [
      "iteration = 1",
      `admin_secret_handling = "${options.adminSecret ?? "plaintext"}"`,
      `non_admin_secret_handling = "${options.secrets ?? "plaintext"}"`,
      ...(connections.length === 0 ? ["connections = []"] : connections),
      '[[users]]\nnethsm_only_admin = "admin"',
      options.mapping ?? mapping,
      options.tail ?? "",
    ];
    this.write("/etc/signstar/config.toml", parts.join("\n"), 0o644);
  }

  /** Runs the program and sees to it that its client learns nothing of the inside. */
  async run(
    stdin: string | Uint8Array,
    env: Record<string, string> = {},
    asRoot = false,
    options: readonly string[] = [],
  ): Promise<Ended> {
    const child = this.start(env, asRoot, options);
    child.stdin.end(stdin);
    const code = new Promise<number | null>((resolve) => child.once("close", resolve));
    const [out, err] = await Promise.all([text(child.stdout), text(child.stderr)]);
    this.#requireSilence(`${err}${out}`);
    return { code: await code, out, err };
  }

  /** The same for payload that is no text. */
  async runBytes(stdin: string | Uint8Array, env: Record<string, string> = {}): Promise<EndedBytes> {
    const child = this.start(env);
    child.stdin.end(stdin);
    const code = new Promise<number | null>((resolve) => child.once("close", resolve));
    const [bytes, err] = await Promise.all([buffer(child.stdout), text(child.stderr)]);
    this.#requireSilence(err);
    return { code: await code, bytes, err };
  }

  #requireSilence(shown: string): void {
    // Three letters in a row are in the base64 of a signature by chance, now and then.
    const without = shown.replace(/-----BEGIN PGP SIGNATURE-----.*?-----END PGP SIGNATURE-----/gs, "");
    const leaked = this.#secrets.filter((word) => (word.length < 8 ? without : shown).includes(word));
    if (leaked.length > 0) throw new Error(`the client reads ${leaked.join(", ")}: ${shown}`);
  }

  /** The program as the caller runs it. */
  command(options: readonly string[] = [], asRoot = false): readonly string[] {
    const { uid, gid } = caller;
    const become = asRoot || !isRoot ? "" : `process.setgroups([]); process.setgid(${gid}); process.setuid(${uid});`;
    const code = `${become} require(${JSON.stringify(this.#program)})`;
    return [process.execPath, "-e", code, "-", "--root", this.root, ...options];
  }

  /** `options` are the administrator's, beside `--root`. */
  start(
    env: Record<string, string> = {},
    asRoot = false,
    options: readonly string[] = [],
  ): ChildProcessWithoutNullStreams {
    this.#lines = [];
    const [node = "", ...args] = this.command(options, asRoot);
    const child = spawn(node, args, {
      cwd: "/",
      env: { PATH: "/usr/bin:/bin", ...env },
      stdio: "pipe",
    });
    child.stdin.on("error", () => undefined);
    return child;
  }

  /** One device, its certificate, a config and the passphrase. */
  async ready(
    kind: KeyKind = "Curve25519",
    options: SoftNethsmOptions = {},
    fresh?: "fresh",
  ): Promise<ProvisionedSoftNethsm> {
    const device = await this.device(kind, options, fresh);
    this.devices = [device];
    this.installCertificate(await this.certify(device, options.release));
    this.configure({ kind });
    this.credential("operator-passphrase");
    return device;
  }

  /** What the journal has received from the last run. */
  entries(): readonly Entry[] {
    return this.#lines
      .join("")
      .split("\n")
      .filter((line) => line.startsWith("<"))
      .map((line) => JSON.parse(line.slice(3)) as Entry);
  }

  async #startJournal(): Promise<void> {
    const path = join(this.root, "/run/systemd/journal/stdout");
    mkdirSync(dirname(path), { recursive: true });
    this.#journal = createServer((socket) => {
      socket.on("data", (bytes) => this.#lines.push(bytes.toString()));
      socket.on("error", () => undefined);
    });
    await new Promise<void>((resolve) => this.#journal?.listen(path, resolve));
    chmodSync(path, 0o666);
  }

  async stopJournal(): Promise<void> {
    await new Promise((resolve) => this.#journal?.close(resolve));
    this.#journal = undefined;
    const directory = join(this.root, "/run/systemd/journal");
    for (const name of readdirSync(directory)) rmSync(join(directory, name));
  }

  as({ url, tlsFingerprint, users }: ProvisionedSoftNethsm, role: "admin" | "operator"): NetHsm {
    const { name, passphrase } = users[role];
    const tls = { mode: "pinned", sha256: [parsePin(tlsFingerprint)] } as const;
    const credentials = { user: parseUserId(name), passphrase: Secret.fromText(passphrase) };
    return new NetHsm({ url: parseDeviceUrl(url), tls }, { credentials });
  }
}
