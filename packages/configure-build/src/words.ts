/** Words and paths that sshd and the login shell pass on as they are. */
import type { Brand } from "@signstar/primitives/brand";
import { ConfigureBuildError } from "./errors.ts";

export type PlainWord = Brand<string, "PlainWord">;
/** Absolute, without trailing slash. */
export type PlainPath = PlainWord & Brand<string, "PlainPath">;

/** sh, sshd's own tokens (`%u`) and tmpfiles.d's specifiers give a meaning to most of the rest. */
const plain = /^[A-Za-z0-9_@+=:,./-]+$/;

/** Words separated by spaces. Throws ConfigureBuildError (`bad-word`). */
export function parsePlainWords(text: string): readonly PlainWord[] {
  const words = text.split(" ").filter((word) => word !== "");
  return words.map((word) => {
    if (isPlain(word)) return word;
    throw badWord(word, "is no word for a ForceCommand");
  });
}

/** Throws ConfigureBuildError (`bad-word`). */
export function parsePlainPath(text: string): PlainPath {
  const path = text.replace(/(?<=.)\/+$/, "");
  if (!isPlainPath(path)) throw badWord(text, "is not an absolute path of plain characters");
  return path;
}

function isPlain(text: string): text is PlainWord {
  return plain.test(text);
}

function isPlainPath(text: string): text is PlainPath {
  return plain.test(text) && text.startsWith("/");
}

function badWord(text: string, problem: string): ConfigureBuildError {
  return new ConfigureBuildError("bad-word", `${JSON.stringify(text)} ${problem}`, {
    hint: "use letters, digits and _@+=:,./- only: a shell or sshd would give a meaning to the rest",
  });
}
