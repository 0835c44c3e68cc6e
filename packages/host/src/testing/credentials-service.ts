/** systemd's credential service as it was recorded: systemd 257 (Debian 13), asked by uid 65534. */
import { chmodSync, mkdirSync } from "node:fs";
import { createServer, type Server, type Socket } from "node:net";
import { dirname } from "node:path";

/** Files as `systemd-creds --user --name= --uid nobody encrypt - -` has written them, and what they were made of. */
export const recordedFiles = {
  "operator-passphrase":
    "VbntHThZTUOoMZ0uuzMqxiAAAAABAAAADAAAABAAAABInnW5bgeGlXZwrf4AAAAABwAAAAAAAADKTHI\n" +
    "5X6tE3ytcJ//v/uSrnaAZKzP4ZfJID628Ossxj9IPTh0mBdroTKkZVCghnyZEiLbvMOypCFFDHA==\n",
  "earlier-passphrase":
    "VbntHThZTUOoMZ0uuzMqxiAAAAABAAAADAAAABAAAADql9XTyHAlEtL/6CQAAAAABwAAAAAAAAD7f/1\n" +
    "FpF0t47xNxSQv4Z6M1fvIPxSrf03p4bKaYzaELzyxeSReY6mdfDCtMKI6jrnDaYnR/+ISk/qp\n",
  "with a newline\n":
    "VbntHThZTUOoMZ0uuzMqxiAAAAABAAAADAAAABAAAABExGKP9W9UwPK+lvkAAAAABwAAAAAAAAB6gyl\n" +
    "smwo2v4F+3fynLUNXYRomJ5oAaXXh8Jkm4bIGXN/dJwDdgOAOflC8fWH1T0XPy6YLphIm\n",
  "":
    "VbntHThZTUOoMZ0uuzMqxiAAAAABAAAADAAAABAAAAC469EcxMH1vSr4u1YAAAAABwAAAAAAAAA7m0A\n" +
    "eTfE/5p1Qd24Vk8WmEVDqph3aWrtIswyaeXnJ74xhX0KTWU1a\n",
} as const;

/** Files that are not decrypted for this user now. */
export const refusedFiles = {
  "of another user":
    "VbntHThZTUOoMZ0uuzMqxiAAAAABAAAADAAAABAAAAB+CKFVK2vUTSToCWAAAAAABwAAAAAAAAD9cBY\n" +
    "XobJcAQaF6J2JR2kfpU3pjkNglonVBLtQn+T6LIbvjNVEE84mlxtg0sOQy91HwhFO08Y=\n",
  "of the system":
    "Whxqht+dQJax1aZeCGLxmiAAAAABAAAADAAAABAAAADBnrtqL/QTgBJGE/8AAAAAt3J0xUMyWxhBUeK\n" +
    "9Slz/GdpBd9HBpz2iOz+tSAtLbQsN0rsTieh/+aVZ8x+krvWNAeExdpo=\n",
  "of the past":
    "VbntHThZTUOoMZ0uuzMqxiAAAAABAAAADAAAABAAAADAwF63lWqPeVVb3/cAAAAABwAAAAAAAABMXQ7\n" +
    "Ab0syBpY2vGC3X1Xgosk2WUS7Y//on1aFyrOwywP1rKi7b692RoyTPg==\n",
  "with no key":
    "BYRp2vb1QySABUnaD46i+yAAAAABAAAADAAAABAAAAB0c+yYpxA6gBPkVwQAAAAAtcqkjhtDPNsKZiv\n" +
    "YvfpW03016SSbTuFJkNJsbgza0+QKV0U2PWK5akmtDcU=\n",
} as const;

/** Replies to calls that no file of the above brings about. */
export const recordedErrors = {
  badFormat: '{"error":"io.systemd.Credentials.BadFormat","parameters":{}}\0',
  methodNotFound:
    '{"error":"org.varlink.service.MethodNotFound","parameters":{"method":"io.systemd.Credentials.Nothing"}}\0',
  invalidParameter: '{"error":"org.varlink.service.InvalidParameter","parameters":{"parameter":"scope"}}\0',
  system: '{"error":"io.systemd.System","parameters":{"errno":2}}\0',
} as const;

const exchanges: ReadonlyMap<string, string> = new Map([
  [callOf(recordedFiles["operator-passphrase"]), '{"parameters":{"data":"b3BlcmF0b3ItcGFzc3BocmFzZQ=="}}\0'],
  [callOf(recordedFiles["earlier-passphrase"]), '{"parameters":{"data":"ZWFybGllci1wYXNzcGhyYXNl"}}\0'],
  [callOf(recordedFiles["with a newline\n"]), '{"parameters":{"data":"d2l0aCBhIG5ld2xpbmUK"}}\0'],
  [callOf(recordedFiles[""]), '{"parameters":{"data":""}}\0'],
  [callOf(refusedFiles["of another user"]), recordedErrors.badFormat],
  [callOf(refusedFiles["of the system"]), '{"error":"io.systemd.Credentials.BadScope","parameters":{}}\0'],
  [callOf(refusedFiles["of the past"]), '{"error":"io.systemd.Credentials.TimeMismatch","parameters":{}}\0'],
  [callOf(refusedFiles["with no key"]), '{"error":"io.systemd.Credentials.BadScope","parameters":{}}\0'],
]);

function callOf(file: string): string {
  const parameters = `{"blob":"${file.replaceAll("\n", "")}","scope":"user"}`;
  return `{"method":"io.systemd.Credentials.Decrypt","parameters":${parameters}}\0`;
}

/** What the service does with the bytes of a call; without it, what was recorded. */
export type Behaviour = (socket: Socket, call: string) => void;

const asRecorded: Behaviour = (socket, call) => socket.write(exchanges.get(call) ?? recordedErrors.badFormat);

/** Listens in systemd's place. */
export class CredentialsService {
  /** All calls, in the order in which they came. */
  readonly calls: string[] = [];
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  private constructor(behaviour: Behaviour) {
    this.#server = createServer((socket) => {
      this.#sockets.add(socket);
      let call = "";
      socket.on("data", (bytes) => {
        call += bytes.toString();
        if (!call.endsWith("\0")) return;
        this.calls.push(call);
        behaviour(socket, call);
      });
      socket.on("error", () => undefined);
    });
  }

  static async listen(path: string, behaviour: Behaviour = asRecorded): Promise<CredentialsService> {
    const service = new CredentialsService(behaviour);
    mkdirSync(dirname(path), { recursive: true });
    await new Promise<void>((resolve) => service.#server.listen(path, resolve));
    chmodSync(path, 0o666);
    return service;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}
