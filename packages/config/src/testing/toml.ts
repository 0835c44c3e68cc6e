/** TOML documents written in every style that the grammar has, with the line of each key that was written. */
import * as fc from "fast-check";
import type { Path } from "../path.ts";

export interface WrittenDocument {
  readonly text: string;
  readonly written: readonly { readonly path: Path; readonly line: number }[];
}

/** A value as text, and the keys and items inside with the lines they are below the value's first line. */
interface Value {
  readonly text: string;
  readonly inside: readonly { readonly path: Path; readonly down: number }[];
}

const scalar: fc.Arbitrary<string> = fc.oneof(
  fc.constantFrom("1", "-0x1F".slice(1), "+1.5e3", "true", "1979-05-27T07:32:00Z", "07:32:00", "inf", "1_000"),
  fc.constantFrom('""', '"a # b"', '"a \\" ] } = \\\\"', '"\\u00e9\\t"', "''", "'\\'", "'a = [1] # {'"),
  fc.constantFrom('"""\n"""', '"""a\n[b]\nc = 1\n"""', '"""x""""', '"""\\"""\\\n   y"""', '""""q"""""'),
  fc.constantFrom("'''\n'''", "'''a\n# b\n'''", "'''\\''''", "'''it''s'''"),
);
const blank = fc.constantFrom("", " ", "\t");
const lineBreaks = fc.constantFrom("", " ", "\n", ' # [c] = "\n  ', "\r\n\n");

const { value } = fc.letrec<{ value: Value; list: Value; table: Value }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 3, withCrossShrink: true },
    scalar.map((text) => ({ text, inside: [] })),
    tie("list"),
    tie("table"),
  ),
  list: fc
    .tuple(fc.array(fc.tuple(lineBreaks, tie("value"), lineBreaks), { maxLength: 3 }), lineBreaks, fc.boolean())
    .map(([items, tail, comma]) => {
      let text = "[";
      const inside: { path: Path; down: number }[] = [];
      items.forEach(([before, item, after], i) => {
        text += before;
        const down = breaksIn(text);
        inside.push({ path: [i], down }, ...item.inside.map((x) => ({ path: [i, ...x.path], down: down + x.down })));
        text += item.text + after + (i < items.length - 1 || comma ? "," : "");
      });
      return { text: `${text}${tail}]`, inside };
    }),
  table: fc.array(fc.tuple(blank, tie("value"), blank, fc.boolean()), { maxLength: 3 }).map((entries) => {
    let text = "{";
    const inside: { path: Path; down: number }[] = [];
    entries.forEach(([before, item, after, dotted], i) => {
      const down = breaksIn(text);
      const path = dotted ? [`k${i}`, "sub"] : [`k ${i}`];
      text += `${before}${dotted ? `k${i} . sub` : `'k ${i}'`}${after}=${before}`;
      inside.push({ path, down }, ...item.inside.map((x) => ({ path: [...path, ...x.path], down: down + x.down })));
      text += `${item.text}${after}${i < entries.length - 1 ? "," : ""}`;
    });
    return { text: `${text}}`, inside };
  }),
}));

const keyStyle = fc.constantFrom<(n: number) => { text: string; path: Path }>(
  (n) => ({ text: `key-${n}`, path: [`key-${n}`] }),
  (n) => ({ text: `"key.${n}"`, path: [`key.${n}`] }),
  (n) => ({ text: `'"${n}'`, path: [`"${n}`] }),
  (n) => ({ text: `d${n}.e . "f"`, path: [`d${n}`, "e", "f"] }),
  (n) => ({ text: `"\\u0041\\t${n}"`, path: [`A\t${n}`] }),
  (n) => ({ text: `${n}`, path: [`${n}`] }),
);

const header = fc.constantFrom("none", "table", "list", "list in list", "table in list");
const entry = fc.tuple(fc.constantFrom("", "\n", "# key = [\n", "  ", "\t# '''\n"), keyStyle, blank, value);
const section = fc.tuple(header, fc.array(entry, { maxLength: 4 }));

export const arbitraryDocument: fc.Arbitrary<WrittenDocument> = fc.array(section, { maxLength: 6 }).map((sections) => {
  let text = "";
  let table: Path = [];
  let lists = 0;
  let inner = 0;
  const written: { path: Path; line: number }[] = [];
  sections.forEach(([kind, entries], s) => {
    const line = breaksIn(text) + 1;
    if (kind === "table") {
      table = [`table${s}`, "x y"];
      text += `[ table${s} . "x y" ] # header\n`;
    } else if (kind === "list" || (kind !== "none" && lists === 0)) {
      table = ["list", lists];
      lists += 1;
      inner = 0;
      text += "[[list]]\n";
    } else if (kind === "list in list") {
      table = ["list", lists - 1, "inner", inner];
      inner += 1;
      text += "[[list.inner]]\n";
    } else if (kind === "table in list") {
      table = ["list", lists - 1, `sub${s}`];
      text += `[list.sub${s}]\n`;
    }
    if (kind !== "none") written.push({ path: table, line });
    entries.forEach(([before, style, space, item], e) => {
      const key = style(s * 10 + e);
      text += before;
      const start = breaksIn(text) + 1;
      const path = [...table, ...key.path];
      text += `${key.text}${space}=${space}${item.text}${space}# end\n`;
      written.push({ path, line: start });
      written.push(...item.inside.map((x) => ({ path: [...path, ...x.path], line: start + x.down })));
    });
  });
  return { text, written };
});

function breaksIn(text: string): number {
  return text.split("\n").length - 1;
}
