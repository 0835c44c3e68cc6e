/** Bundles one executable into one readable CommonJS file that needs nothing beside it but Node 24. */
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { type BuildResult, build, type Metafile } from "esbuild";
import type { Executable } from "./executables.ts";

export const repository = dirname(dirname(fileURLToPath(import.meta.url)));

const manifest = JSON.parse(readFileSync(join(repository, "package.json"), "utf8")) as { version: string };

export interface Bundle {
  readonly code: string;
  readonly metafile: Metafile;
}

/**
 * CommonJS because the first statement must run before anything else is loaded: it ends with 78 and one line on a
 * Node that is too old. Syntax is lowered for the same reason: an old Node has to be able to read the file.
 */
export async function bundle(executable: Executable): Promise<Bundle> {
  const runner = executable.runner === "forced" ? "runForced" : "run";
  const module = executable.runner === "forced" ? "@signstar/command/run-forced" : "@signstar/command/run";
  const result: BuildResult<{ write: false; metafile: true }> = await build({
    stdin: {
      contents: [
        `import { ${runner} } from "${module}";`,
        `import { ${executable.command} } from "${executable.module}";`,
        `void ${runner}(${executable.command});`,
      ].join("\n"),
      resolveDir: repository,
      sourcefile: `bin/${executable.name}.ts`,
      loader: "ts",
    },
    absWorkingDir: repository,
    bundle: true,
    platform: "node",
    format: "cjs",
    target: "es2022",
    // What is not in the bundle is required when it is wanted: a script from a code cache cannot import.
    supported: { "dynamic-import": false },
    write: false,
    metafile: true,
    outfile: join(repository, "dist", executable.name),
    define: {
      SIGNSTAR_VERSION: JSON.stringify(manifest.version),
      // The global of that name loads a module of its own.
      "performance.now": "elapsed",
    },
    external: ["cpu-features", "koffi", "openpgp"],
    loader: { ".node": "empty" },
    charset: "ascii",
    banner: { js: prelude(executable.name) },
    legalComments: "inline",
    logLevel: "warning",
  });
  const [file] = result.outputFiles;
  if (file === undefined) throw new Error(`esbuild made nothing of ${executable.name}`);
  const text = late(ascii(file.text));
  const digest = createHash("sha256").update(text).digest("hex").slice(0, 32);
  const asksDevices = executable.runner === "forced" && text.includes('late("node:tls")');
  const line = asksDevices ? firstLineWithTls : firstLine;
  return { code: `${line}\n// build ${digest}\n${text}`, metafile: result.metafile };
}

const code = "r=require;try{s=r(`/usr/lib/signstar/run.cjs`).run}catch{s=r}s(r(`path`).resolve(process.argv[1]))";

/**
 * An installed program asks run.cjs, which runs it from a code cache. Where that is missing, and as `node PROGRAM`, it
 * is an ordinary file of Node.js. Kernels before 5.1 read 127 bytes of this line.
 */
export const firstLine = `#!/usr/bin/node --eval=${code}`;

/**
 * That of a program behind ForceCommand that asks a device. As soon as Node.js loads TLS, a thread of it begins to parse
 * the authorities that it brings along, which takes half as long as its own start: not if OpenSSL's are to be used. We
 * use neither, but pins, or the system's authorities by their own name. Kernels before 5.1 do not read this line whole.
 */
export const firstLineWithTls = `#!/usr/bin/env -S /usr/bin/node --use-openssl-ca --eval=${code}`;

/** run.cjs and make-code-cache.cjs, which lie in one directory. */
export async function bundleRun(): Promise<ReadonlyMap<string, string>> {
  const names = ["run", "make-code-cache"];
  const { outputFiles } = await build({
    entryPoints: names.map((name) => join(repository, "scripts", "run", `${name}.ts`)),
    absWorkingDir: repository,
    bundle: true,
    platform: "node",
    format: "cjs",
    target: "es2022",
    write: false,
    outdir: join(repository, "dist"),
    outExtension: { ".js": ".cjs" },
    banner: { js: '// Made by "npm run build" from the sources of Signstar.' },
    logLevel: "warning",
  });
  return new Map(outputFiles.map(({ path, text }) => [basename(path), text]));
}

/** Outside of comments it is so already: caches, and what they are made of, are read as Latin-1. */
function ascii(code: string): string {
  return code.replace(/[^\0-\x7f]/g, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

/** Built-in modules are loaded when the first of their members is used: TLS and cryptography cost a third of a start. */
function late(code: string): string {
  return code.replace(/^(\s*(?:var )?import_\w+ = )require\(("node:[\w/]+")\);$/gm, "$1late($2);");
}

function prelude(name: string): string {
  return [
    `// ${name} ${manifest.version}: made by "npm run build" from the sources of Signstar.`,
    'if (Number(process.versions.node.split(".")[0]) < 24) {',
    `  console.error("${name}: error: Node.js 24 or newer is needed, this is " + process.version);`,
    "  process.exit(78);",
    "}",
    "const late = (name, module) => new Proxy({}, { get: (_, member) => (module ??= require(name))[member] });",
    "const elapsed = (([s, ns] = process.hrtime()) => s * 1e3 + ns / 1e6);",
  ].join("\n");
}
